// The law of imports. Fails on any arrow that the table does not allow, and on impure calls in portable layers.
// Run: npm run layers. The table is the one of ARCHITECTURE.md.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** What a layer may import, besides itself. */
const allowed = {
  base: [],
  machinery: ['base'],
  apis: ['base', 'machinery'],
  store: ['base'],
  pki: ['base'],
  client: ['base', 'machinery', 'apis'],
  apiserver: ['base', 'machinery', 'apis', 'store', 'client', 'pki'],
  controllers: ['base', 'machinery', 'apis', 'client', 'pki'],
  scheduler: ['base', 'machinery', 'apis', 'client'],
  kubelet: ['base', 'machinery', 'apis', 'client', 'pki'],
  network: ['base', 'machinery', 'apis', 'client'],
  cloud: ['base', 'machinery', 'apis', 'client'],
  kubectl: ['base', 'machinery', 'apis', 'client'],
  kubeadm: '*',
  cluster: '*',
  testing: '*',
};

/** Folders and files that must run anywhere: clock, randomness, store and transport are handed in. */
const portable = [
  'base',
  'machinery',
  'apis',
  'store',
  'client',
  'apiserver',
  'controllers',
  'scheduler',
  'kubelet/hollow',
];
/** Parts of those that belong to one platform. They are named for it, and only composition roots import them. */
const platform = [
  /^base\/node\//,
  /^store\/(lmdb|etcd)\//,
  /^client\/https\//,
  /^apiserver\/http\//,
  /^controllers\/node\//,
];

const impure = [
  [/\bDate\.now\(/, 'Date.now (use the Clock handed in)'],
  [/\bnew Date\(\)/, 'new Date() (use the Clock handed in)'],
  [/(?<![.\w])setTimeout\(/, 'setTimeout (use the Clock handed in)'],
  [/(?<![.\w])setInterval\(/, 'setInterval (use the Clock handed in)'],
  [/(?<![.\w])setImmediate\(/, 'setImmediate (use the Clock handed in)'],
  [/\bMath\.random\(/, 'Math.random (use the Random handed in)'],
  [/\bperformance\.now\(/, 'performance.now (use the Clock handed in)'],
  [/(?<![.\w])process\./, 'process'],
  [/(?<![.\w])Buffer\./, 'Buffer (use Uint8Array)'],
  [/\bcrypto\.randomUUID\(/, 'crypto.randomUUID (use the Random handed in)'],
];

function* walk(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

const problems = [];
for (const file of walk(join(root, 'src'))) {
  const name = relative(join(root, 'src'), file);
  if (name.includes('/generated/')) continue;
  const layer = name.split('/')[0];
  const isTest = /\.(test|suite)\.ts$/.test(name);
  const isPortable =
    !isTest && portable.some((p) => name.startsWith(`${p}/`)) && !platform.some((pattern) => pattern.test(name));
  if (!(layer in allowed)) problems.push(`${name}: '${layer}' is not a layer (see tools/check-layers.mjs)`);
  const text = readFileSync(file, 'utf8');
  const imports = text.matchAll(
    /^\s*(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  );
  for (const match of imports) {
    const target = match[1] ?? match[2] ?? match[3];
    if (target.startsWith('.')) {
      const to = relative(join(root, 'src'), resolve(dirname(file), target));
      const toLayer = to.split('/')[0];
      const may = allowed[layer];
      if (toLayer !== layer && may !== '*' && !may?.includes(toLayer) && !isTest)
        problems.push(`${name}: ${layer} must not import ${toLayer} (${target})`);
      if (isPortable && platform.some((pattern) => pattern.test(to)))
        problems.push(`${name}: a portable file must not import the platform part ${to}`);
    } else if (
      isPortable &&
      (target.startsWith('node:') || ['lmdb', 'ws', 'koffi', '@grpc/grpc-js'].includes(target))
    ) {
      problems.push(`${name}: a portable layer must not import ${target}`);
    }
  }
  if (isPortable) {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, (c) => c.replace(/[^\n]/g, ' ')).replace(/(^|\s)\/\/.*$/gm, '');
    code.split('\n').forEach((line, i) => {
      for (const [pattern, what] of impure)
        if (pattern.test(line)) problems.push(`${name}:${i + 1}: ${what} in a portable layer`);
    });
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(`layers: ${problems.length} problem(s)`);
  process.exit(1);
}
console.log('layers: ok');
