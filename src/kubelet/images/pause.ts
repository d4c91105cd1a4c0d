import { ociArchive, ociArchitecture } from './archive.ts';

/**
 * The pause image, made here: a static program of some 280 bytes that holds a sandbox's namespaces, lets the kernel reap
 * its orphans, and leaves on SIGTERM or SIGINT. `name` is the reference it is imported under.
 */
export function pauseArchive(name: string): Buffer {
  if (ociArchitecture() !== 'amd64')
    throw new Error(`making the pause image: no program for ${ociArchitecture()}, only amd64 is known`);
  return ociArchive({
    name,
    layer: [{ name: 'pause', data: pauseProgram() }],
    config: { Entrypoint: ['/pause'], Env: ['PATH=/'], WorkingDir: '/', User: '65535:65535' },
  });
}

/** System call numbers of x86-64 Linux. */
const sysRtSigaction = 13;
const sysPause = 34;
const sysExit = 60;
const sigint = 2;
const sigterm = 15;
const sigchld = 17;

/** Where the kernel loads us, and where code begins behind the ELF and the one program header. */
const base = 0x400000;
const headerSize = 0x78;

/**
 * The program, an ELF executable with one segment:
 *
 *     rt_sigaction(SIGCHLD, &ignore)   children are reaped by the kernel (SA_NOCLDWAIT)
 *     rt_sigaction(SIGTERM, &leave)    process 1 has no default actions: it must handle what may end it
 *     rt_sigaction(SIGINT, &leave)
 *     loop: pause(); goto loop
 *     exit: _exit(0)
 *     ignore, leave: two `struct sigaction` of the kernel: handler, flags, restorer, mask
 */
export function pauseProgram(): Buffer {
  const code: number[] = [];
  const patches: { readonly at: number; readonly label: 'ignore' | 'leave' }[] = [];
  const movEax = (value: number) => code.push(0xb8, value, 0, 0, 0);
  const syscall = () => code.push(0x0f, 0x05);
  const sigaction = (signal: number, label: 'ignore' | 'leave') => {
    movEax(sysRtSigaction);
    code.push(0xbf, signal, 0, 0, 0); // mov edi, signal
    code.push(0xbe); // mov esi, address of the struct, known later
    patches.push({ at: code.length, label });
    code.push(0, 0, 0, 0, 0x31, 0xd2); // xor edx, edx
    code.push(0x41, 0xba, 8, 0, 0, 0); // mov r10d, size of the mask
    syscall();
  };
  sigaction(sigchld, 'ignore');
  sigaction(sigterm, 'leave');
  sigaction(sigint, 'leave');
  const loop = code.length;
  movEax(sysPause);
  syscall();
  code.push(0xeb, (loop - (code.length + 2)) & 0xff); // jmp loop
  const exit = code.length;
  movEax(sysExit);
  code.push(0x31, 0xff); // xor edi, edi
  syscall();
  while (code.length % 8 !== 0) code.push(0x90);
  const quads = (...values: number[]) => {
    const bytes = Buffer.alloc(8 * values.length);
    for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * i);
    code.push(...bytes);
  };
  const address = (offset: number) => base + headerSize + offset;
  const labels = { ignore: code.length, leave: code.length + 32 };
  quads(1, 2, 0, 0); // SIG_IGN, SA_NOCLDWAIT
  quads(address(exit), 0x04000000, address(exit), 0); // handler, SA_RESTORER and a restorer
  const text = Buffer.from(code);
  for (const { at, label } of patches) text.writeUInt32LE(address(labels[label]), at);
  return Buffer.concat([elfHeader(text.length), text]);
}

/** ELF-64 header and one PT_LOAD that is readable, writable and executable. */
function elfHeader(textSize: number): Buffer {
  const header = Buffer.alloc(headerSize);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(62, 18); // EM_X86_64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + headerSize), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers begin
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const program = 64;
  const size = BigInt(headerSize + textSize);
  header.writeUInt32LE(1, program); // PT_LOAD
  header.writeUInt32LE(7, program + 4); // rwx
  header.writeBigUInt64LE(BigInt(base), program + 16);
  header.writeBigUInt64LE(BigInt(base), program + 24);
  header.writeBigUInt64LE(size, program + 32);
  header.writeBigUInt64LE(size, program + 40);
  header.writeBigUInt64LE(0x1000n, program + 48);
  return header;
}
