/** Where a cluster's keys and certificates are kept: a directory, or memory for clusters that end with the process. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterPki, type ClusterPkiOptions } from './cluster-pki.ts';

export interface PkiFiles {
  read(name: string): string | undefined;
  /** Replaces the file as a whole. Secret files are readable by their owner alone. */
  write(name: string, text: string, kind: 'secret' | 'public'): void;
  /** The path, for messages. */
  where(name: string): string;
}

export function directoryFiles(directory: string): PkiFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    where: (name) => join(directory, name),
    read(name) {
      try {
        return readFileSync(join(directory, name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new Error(`reading ${join(directory, name)} failed`, { cause: error });
      }
    },
    write(name, text, kind) {
      const path = join(directory, name);
      writeFileSync(`${path}.new`, text, { mode: kind === 'secret' ? 0o600 : 0o644 });
      renameSync(`${path}.new`, path);
    },
  };
}

export function memoryFiles(): PkiFiles {
  const files = new Map<string, string>();
  return {
    where: (name) => `(memory)/${name}`,
    read: (name) => files.get(name),
    write: (name, text) => void files.set(name, text),
  };
}

/** The PKI kept in `directory`, everything the control plane needs made if missing. */
export function ensureClusterPki(directory: string, options: ClusterPkiOptions): ClusterPki {
  const pki = new ClusterPki(directoryFiles(directory), options);
  pki.ensureAll();
  return pki;
}

/** A PKI in memory that makes nothing until it is asked. */
export function memoryClusterPki(options: ClusterPkiOptions): ClusterPki {
  return new ClusterPki(memoryFiles(), options);
}
