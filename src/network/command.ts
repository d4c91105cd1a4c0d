/** The network tools of the system, as this layer uses them. */
import { runCommand } from '../base/node/command.ts';

/** Loads an nftables script in one transaction. */
export const nft = (script: string): Promise<string> => runCommand('nft', ['-f', '-'], { input: script });

/** Runs `ip` commands, one a line; stops at the first that fails. */
export const ipBatch = (lines: readonly string[]): Promise<string> =>
  runCommand('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });

export const ip = (args: readonly string[]): Promise<string> => runCommand('ip', args);

export const conntrack = (args: readonly string[]): Promise<string> => runCommand('conntrack', args);
