import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { execute, type Output } from './up.ts';

/**
 * The network namespaces of a cluster's pods (as the runtime has mounted them), for what busybox cannot do: programs of
 * the host run inside them, with the pods' addresses and routes.
 */
export function podNamespaces(dataDir: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('nsfs ') && line.includes(dataDir))
    .map((line) => line.split(' ')[1]!);
}

/** Runs a Node program in a namespace to its end; undefined: the host's own. */
export function runNode(namespace: string | undefined, program: string, env: NodeJS.ProcessEnv = {}): Promise<Output> {
  const [file, ...args] = command(namespace, program);
  return execute(file!, args, { env, timeoutMs: 10_000 });
}

/** Starts a UDP server in a namespace that answers everything with its own address. Killed by the caller. */
export async function startUdpServer(namespace: string, port: number): Promise<ChildProcess> {
  const program = `
    const [own] = Object.values(require('node:os').networkInterfaces()).flat().filter((a) => !a.internal);
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (_, from) => socket.send(own.address, from.port, from.address));
    socket.bind(${port}, () => console.log('ready'));`;
  const [file, ...args] = command(namespace, program);
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

/** What a UDP server answers; '' after 3 s of silence. */
export async function askByUdp(namespace: string | undefined, address: string, port: number): Promise<string> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (text) => { console.log(String(text)); process.exit(); });
    socket.on('error', () => process.exit());
    socket.send('who', ${port}, '${address}');
    setTimeout(() => process.exit(), 3000);`;
  return (await runNode(namespace, program)).stdout.trim();
}

const command = (namespace: string | undefined, program: string): string[] => [
  ...(namespace ? ['nsenter', `--net=${namespace}`] : []),
  process.execPath,
  '-e',
  program,
];
