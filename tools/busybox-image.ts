// `npm run busybox`: writes busybox.tar, an image made of Debian's busybox-static, so that a cluster has something to run
// on a machine that reaches no registry. Usage: npm run busybox -- [FILE]
import { writeFileSync } from 'node:fs';
import { busyboxArchive, busyboxImage } from '../tests/support/images.ts';

const file = process.argv[2] ?? 'busybox.tar';
writeFileSync(file, busyboxArchive());
console.log(`wrote ${file}: ${busyboxImage}`);
