import { cpus } from 'node:os';
import { asMarkdown, problems, type Result, table } from './report.ts';
import { steps } from './steps.ts';

/** docs/clients.md, whole. */
export function page(results: readonly Result[], server: string, date: string, seconds: number): string {
  const rows = table(results).map(([step, ...cells], i) => (i === 0 ? [step!, ...cells] : [`\`${step}\``, ...cells]));
  const open = problems(results);
  const leftOut = results.filter(({ leftOut: why }) => why !== undefined);
  return `# Clients

\`npm run clients\` runs one scenario with every client of Kubernetes that people use, each with its own library, against one
cluster with real containers: by certificate and by token, discovery, watch, each type of patch, lists in chunks, scale,
evict, logs, exec, port-forward, and what only that client can do. It needs root and Debian's packages for containers, as
\`npm run up\` does; clients whose toolchain (Go 1.26, Python 3, Java 17 with Maven, Rust) is not there are left out, and the
run says so. \`-- NAME ...\` runs only some; \`-- --kubeconfig FILE\` runs against a cluster that is there (it must have the
image \`docker.io/library/busybox:1.36\`); \`-- --list\` names clients and steps; \`-- --write-docs\` writes this page. What
is built or downloaded is kept in \`\${XDG_CACHE_HOME:-~/.cache}/skiff/clients\`, so only the first run takes minutes. It ends
with \`N passed, N failed, N skipped\`, non-zero when a step failed, and leaves nothing of its cluster behind, even when killed.

The table below was written by the command on ${date}: server ${server}, ${cpus().length} cores, ${Math.round(seconds)} s in all.

## What passes

${asMarkdown(rows)}

\`ok\`: passed. \`not yet\`: known not to work, with the reason below; it fails no run. \`left out\`: the toolchain was not there.
Empty: the client has no such thing.

| client | version | seconds |
|---|---|---|
${results.map(({ client, version, seconds: s }) => `| ${client.name} | ${version ?? '–'} | ${s === undefined ? '–' : s.toFixed(0)} |`).join('\n')}

${open.length === 0 && leftOut.length === 0 ? 'Nothing is open.' : '## What does not'}
${open.map((line) => `- ${line}`).join('\n')}${leftOut.map(({ client, leftOut: why }) => `\n- ${client.name}: left out: ${why}`).join('')}

## What the steps are

${Object.entries(steps)
  .map(([name, text]) => `- \`${name}\`: ${text}`)
  .join('\n')}

## Adding a client

A folder \`tests/clients/NAME/\` with its program and a \`client.ts\` that says how it is built and run, and one line in
\`tests/clients/registry.ts\`. The program reads \`KUBECONFIG\`, \`CLIENTS_NAMESPACE\` (which it makes and deletes) and
\`CLIENTS_IMAGE\` from its environment, and prints \`STEP<tab>ok\` or \`STEP<tab>failed<tab>first error\` for each step.
`.replace(/\n{3,}/g, '\n\n');
}
