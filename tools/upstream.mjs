// `node tools/upstream.mjs [--list | NAME...]`: builds programs of upstream Kubernetes from the Go module in
// tests/conformance/upstream into a cache outside the checkout; does only what is missing. Without a name: all of them.
// Prints a line `NAME PATH` for each on stdout; what it does goes to stderr.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureDirectory, root, step } from './lib.mjs';

const moduleDir = join(root, 'tests/conformance/upstream');
const moduleFile = readFileSync(join(moduleDir, 'go.mod'), 'utf8');

/** The version of Kubernetes that the module pins: `v1.36.3`. */
export const upstreamVersion = /^\s*k8s\.io\/kubernetes (v\S+)$/m.exec(moduleFile)[1];

/** Where the programs are kept: one directory a version. */
export const upstreamDir = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'skiff/upstream',
  upstreamVersion,
);

/** Program -> the package it is made of. */
const packages = {
  'e2e.test': 'k8s.io/kubernetes/test/e2e',
  ginkgo: 'github.com/onsi/ginkgo/v2/ginkgo',
  agnhost: 'k8s.io/kubernetes/test/images/agnhost',
  nnp: 'k8s.io/kubernetes/test/images/nonewprivs',
  'sample-apiserver': 'k8s.io/sample-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  etcd: 'go.etcd.io/etcd/server/v3',
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
};
export const upstreamPrograms = Object.keys(packages);

/**
 * Builds those of the named programs that are not there yet. Returns their paths by name, or one line that says what is
 * wrong: `{ paths }` or `{ problem }`.
 */
export function ensureUpstream(names = upstreamPrograms) {
  const unknown = names.find((name) => !packages[name]);
  if (unknown) return { problem: `'${unknown}' is not one of: ${upstreamPrograms.join(', ')}` };
  const missing = names.filter((name) => !isBuilt(name));
  if (missing.length > 0) {
    const go = findGo();
    if (go.problem)
      return { problem: `building ${missing.join(', ')} of Kubernetes ${upstreamVersion}: ${go.problem}` };
    for (const name of missing) {
      const problem = buildProgram(go.program, name);
      if (problem) return { problem };
    }
  }
  return { paths: Object.fromEntries(names.map((name) => [name, join(upstreamDir, name)])) };
}

/** What a stamp beside a program holds: everything that decides what is built. */
function stampOf(name) {
  const input = [moduleFile, ...argumentsFor(name, '')].join('\n');
  return createHash('sha256').update(input).digest('hex');
}

const stampFile = (name) => join(upstreamDir, `.${name}.stamp`);

function isBuilt(name) {
  const file = stampFile(name);
  return existsSync(join(upstreamDir, name)) && existsSync(file) && readFileSync(file, 'utf8') === stampOf(name);
}

function argumentsFor(name, output) {
  const [major, minor] = upstreamVersion.slice(1).split('.');
  // A module that is a dependency knows no version of its own; what clients and nodes report is set here.
  const variables = { gitVersion: upstreamVersion, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const flags = Object.entries(variables).flatMap(([variable, value]) =>
    ['component-base', 'client-go/pkg'].map((place) => `-X k8s.io/${place}/version.${variable}=${value}`),
  );
  const verb = name.endsWith('.test') ? ['test', '-c'] : ['build'];
  return [...verb, '-mod=readonly', '-ldflags', ['-s', '-w', ...flags].join(' '), '-o', output, packages[name]];
}

function buildProgram(go, name) {
  const target = join(ensureDirectory(upstreamDir), name);
  // Two builds at the same time write two files; the last one whole takes the name.
  const part = `${target}.${process.pid}.part`;
  let problem;
  step(
    `building ${name} of Kubernetes ${upstreamVersion} (minutes the first time)`,
    () => false,
    () => {
      const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '', GOWORK: 'off' };
      const options = { cwd: moduleDir, env, stdio: ['ignore', 2, 2] };
      const { status, error } = spawnSync(go, argumentsFor(name, part), options);
      if (status === 0) {
        renameSync(part, target);
        writeFileSync(stampFile(name), stampOf(name));
        return;
      }
      rmSync(part, { force: true });
      problem = `building ${name} of Kubernetes ${upstreamVersion}: 'go ${argumentsFor(name, target)[0]}' failed (${error?.message ?? status}); what it said is above`;
    },
  );
  return problem;
}

/** A Go that is new enough for the module: `{ program }`, or `{ problem }`. */
function findGo() {
  const wanted = /^go (\S+)$/m.exec(moduleFile)[1];
  const candidates = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'];
  const env = { ...process.env, GOTOOLCHAIN: 'local' };
  const found = candidates.flatMap((program) => {
    const { status, stdout } = spawnSync(program, ['env', 'GOVERSION'], { env, encoding: 'utf8' });
    return status === 0 ? [{ program, version: stdout.trim().replace(/^go/, '') }] : [];
  });
  const fit = found.find(({ version }) => compareVersions(version, wanted) >= 0);
  if (fit) return fit;
  if (found.length === 0) return { problem: `no Go toolchain on PATH; install Go ${wanted} or newer` };
  const [{ program, version }] = found;
  return { problem: `'${program}' is Go ${version}, and the module wants ${wanted} or newer` };
}

function compareVersions(a, b) {
  const parts = (text) => text.split(/[^\d]+/).map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  if (names.includes('--list')) {
    for (const name of upstreamPrograms) console.log(`${name} ${join(upstreamDir, name)}`);
  } else {
    const { paths, problem } = ensureUpstream(names.length > 0 ? names : upstreamPrograms);
    if (problem) {
      console.error(`upstream: ${problem}`);
      process.exit(1);
    }
    for (const [name, path] of Object.entries(paths)) console.log(`${name} ${path}`);
  }
}
