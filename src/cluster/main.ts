/** The command line: `skiff up`, `down`, `status`, `why`, `reset`, `image`, `version`, and each component alone. */
import { setMaxListeners } from 'node:events';
import { Command, CommanderError } from 'commander';
import { messageOf } from '../base/errors.ts';
import { components } from './components/index.ts';
import { addUpOptions, dataDirOption, upOptionsOf } from './commands/up-options.ts';
import { UsageError } from './usage-error.ts';
import { kubernetesVersion, skiffVersion } from './version.ts';

const exitCode = { done: 0, failed: 1, wrongUsage: 2 } as const;

async function program(): Promise<Command> {
  const skiff = new Command('skiff')
    .description('Kubernetes in one process: control plane, nodes, network and DNS.')
    .helpCommand(false)
    .showSuggestionAfterError()
    .enablePositionalOptions();

  addUpOptions(skiff.command('up'))
    .description('bring a cluster up; Ctrl-C stops it, the next `up` goes on with it')
    .addHelpText('after', '\nExample:\n  skiff up --runtime hollow --nodes 3\n  export KUBECONFIG=~/.skiff/admin.conf')
    .action(async (_, command: Command) => {
      const { up } = await import('./commands/up.ts');
      await up(upOptionsOf(command), process.argv.slice(2));
    });

  withDataDir(skiff.command('down'))
    .description('stop the cluster and remove what it left on the host; its state stays')
    .action(async (flags: { dataDir: string }) => {
      const { down } = await import('./commands/down.ts');
      await down(flags.dataDir);
    });

  withDataDir(skiff.command('status'))
    .description('say whether the cluster runs, where, and how its nodes are')
    .option('--output <form>', 'text or json', 'text')
    .action(async (flags: { dataDir: string; output: string }) => {
      const { status } = await import('./commands/status.ts');
      if (!(await status(flags.dataDir, flags.output))) process.exitCode = exitCode.failed;
    });

  withDataDir(skiff.command('why <pod>'))
    .description('why a pod has no node: who refuses it, and what would make the scheduler ask again')
    .option('-n, --namespace <name>', "the pod's namespace", 'default')
    .option('--output <form>', 'text or json', 'text')
    .action(async (pod: string, flags: { dataDir: string; namespace: string; output: string }) => {
      const { why } = await import('./commands/why.ts');
      await why(flags.dataDir, flags.namespace, pod, flags.output);
    });

  withDataDir(skiff.command('reset'))
    .description('stop the cluster and delete all of its state')
    .option('--yes', 'do not ask')
    .action(async (flags: { dataDir: string; yes?: boolean }) => {
      const { reset } = await import('./commands/reset.ts');
      await reset(flags.dataDir, flags.yes === true);
    });

  const image = skiff.command('image').description('images of the nodes');
  withDataDir(image.command('load <file...>'))
    .description('import OCI or docker archives into every node')
    .action(async (files: string[], flags: { dataDir: string }) => {
      const { loadImages } = await import('./commands/image.ts');
      await loadImages(flags.dataDir, files);
    });
  withDataDir(image.command('list'))
    .description('what images each node has')
    .action(async (flags: { dataDir: string }) => {
      const { listImages } = await import('./commands/image.ts');
      await listImages(flags.dataDir);
    });

  // Run by `up`, for each node past the first.
  skiff
    .command('node-agent', { hidden: true })
    .requiredOption('--config <file>')
    .action(async ({ config }: { config: string }) => {
      const { nodeAgent } = await import('./node-agent.ts');
      await nodeAgent(config);
    });

  skiff
    .command('version')
    .description("Skiff's version and the Kubernetes version it serves")
    .action(() => console.log(`skiff ${skiffVersion} (Kubernetes ${kubernetesVersion})`));

  // A component's flags are many: they are loaded only for the one that is named.
  const named = process.argv[2] ?? '';
  for (const [name, load] of Object.entries(components)) {
    const command = skiff.command(name).description('this component alone (see its --help)');
    if (name === named) (await load())(command);
  }
  return skiff;
}

const withDataDir = (command: Command) => command.addOption(dataDirOption());

async function main(): Promise<void> {
  const skiff = await program();
  const quiet = (command: Command): void => {
    command.exitOverride();
    for (const child of command.commands) quiet(child);
  };
  quiet(skiff);
  try {
    await skiff.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version end well; commander has printed everything else already.
      process.exitCode = error.exitCode === 0 ? exitCode.done : exitCode.wrongUsage;
      return;
    }
    console.error(`skiff: ${messageOf(error)}`);
    if (process.env['SKIFF_TRACE'] && error instanceof Error) console.error(error.stack);
    // At once: whatever was left half-way must not keep the process alive.
    process.exit(error instanceof UsageError ? exitCode.wrongUsage : exitCode.failed);
  }
}

// One signal ends many waiters here: that is no leak.
setMaxListeners(0);
// `skiff ... | head`: whoever read has gone, and nothing that is written from here on is missed.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
await main();
