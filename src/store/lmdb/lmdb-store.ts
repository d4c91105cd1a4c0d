import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { open, type Database } from 'lmdb';
import type { Clock } from '../../base/clock.ts';
import type { Medium } from '../mvcc/medium.ts';
import { MvccStore } from '../mvcc/mvcc-store.ts';
import { StoreError, type Store } from '../store.ts';
import { lockFile } from './directory-lock.ts';
import { toStoreError } from './errors.ts';
import { LmdbMedium, type Databases } from './lmdb-medium.ts';
import { checkDatabaseFile } from './page-file.ts';
import { rebuildIndex } from './rebuild-index.ts';
import { RelaxedLog } from './relaxed-log.ts';
import { RelaxedMedium, lostRevisions } from './relaxed-medium.ts';
import { beginSession, endSession, mayHaveLostWrites, syncDirectory } from './session.ts';

export interface LmdbStoreOptions {
  /** Belongs to the store alone; made if it is not there. */
  readonly dir: string;
  /** Decides when keys expire. */
  readonly clock: Clock;
  /** Makes the index anew from the records before anything else (a repair; normally they cannot differ). */
  readonly rebuildIndex?: boolean;
}

/** What this program writes and reads: the layout of records, index and state. */
export const storeFormat = 1;

const dataFileName = 'data.mdb';
const lockFileName = 'store.lock';
const logFileName = 'relaxed.log';
/** Says that the directory holds a store, so that a lost or emptied data file is not taken for a new store. */
const markerFileName = 'store.json';

/** No store that was never used is larger. */
const newStoreBytes = 1 << 17;
/** Address space reserved for the map; the file grows with its contents, the map with the file. */
const mapBytes = 1 << 30;

/**
 * Opens the store in a directory, or makes one there. Rejects with StoreError: 'locked' (another process has it),
 * 'version' (another format), 'corrupt' (cut off or damaged), 'permission', 'full', 'io'. Nothing is changed then.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { dir } = options;
  const action = `open ${dir}`;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toStoreError(action, error);
  }
  const unlock = lockFile(join(dir, lockFileName));
  let databases: Databases | undefined;
  try {
    const isNew = inspect(dir);
    databases = openDatabases(dir);
    await ensureFormat(databases, dir, isNew);
    if (options.rebuildIndex) await rebuildIndex(databases, options.clock);
    const database = new LmdbMedium(databases);
    const { log, commits } = RelaxedLog.open(join(dir, logFileName));
    const medium = new RelaxedMedium(database, log, options.clock);
    await medium.recover(commits);
    if (mayHaveLostWrites(dir)) await database.skipTo(database.revision + lostRevisions);
    beginSession(dir);
    return new LmdbStore(options.clock, medium, () => {
      if (medium.isFlushed) endSession(dir);
      unlock();
    });
  } catch (error) {
    await databases?.root.close();
    unlock();
    throw toStoreError(action, error);
  }
}

class LmdbStore extends MvccStore {
  readonly #afterwards: () => void;
  #closed: Promise<void> | undefined;

  constructor(clock: Clock, medium: Medium, afterwards: () => void) {
    super(clock, medium);
    this.#afterwards = afterwards;
    // A compaction that was cut short by the end of the last process. A failure of the medium ends the store anyway.
    this.finishCompaction().catch(() => {});
  }

  override close(): Promise<void> {
    this.#closed ??= super.close().finally(this.#afterwards);
    return this.#closed;
  }
}

/** Whether a store has to be made. Throws if there is one that cannot be opened safely. */
function inspect(dir: string): boolean {
  const dataFile = join(dir, dataFileName);
  const marker = readMarker(dir);
  if (marker !== undefined && marker !== storeFormat)
    throw new StoreError('version', `open ${dir}: it has store format ${marker}, this program reads ${storeFormat}`);
  // The data file is made before the marker: without marker, an empty one is a start that was cut short.
  const dataBytes = existsSync(dataFile) ? statSync(dataFile).size : 0;
  if (dataBytes === 0) {
    if (marker === undefined) return true;
    throw new StoreError('corrupt', `open ${dir}: ${dataFileName} is missing or empty (restore it from a backup)`);
  }
  try {
    checkDatabaseFile(dataFile);
  } catch (error) {
    // Nothing was ever answered from a store without marker; it may be made again (if it is no more than a beginning).
    if (marker !== undefined || dataBytes > newStoreBytes) throw error;
    rmSync(dataFile);
  }
  return marker === undefined;
}

function readMarker(dir: string): unknown {
  const path = join(dir, markerFileName);
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  try {
    return (JSON.parse(text) as { format?: unknown } | null)?.format ?? null;
  } catch (error) {
    throw new StoreError('corrupt', `open ${dir}: ${markerFileName} is not JSON`, { cause: error });
  }
}

function openDatabases(dir: string): Databases {
  const root = open({
    path: dir,
    noSubdir: false,
    maxDbs: 8,
    mapSize: mapBytes,
    encoding: 'binary',
    cache: false,
    // Commit = write pages, flush, write the meta page through; the alternative shows commits before they are flushed.
    overlappingSync: false,
    // Pages are zeroed before use: the file holds nothing that was never stored.
    noMemInit: false,
    // One batch is one transaction already; nothing is gained by waiting for the end of the turn.
    eventTurnBatching: false,
  });
  const database = <K extends string | number>(name: string): Database<Buffer, K> =>
    root.openDB<Buffer, K>({ name, encoding: 'binary' });
  // In one transaction, so that a new store costs one flush for all of them.
  return root.transactionSync(() => ({
    root,
    records: database<number>('records'),
    index: database<string>('index'),
    expiry: database<string>('expiry'),
    meta: database<string>('meta'),
    fileBytes: () => statSync(join(dir, dataFileName)).size,
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    },
  }));
}

async function ensureFormat(databases: Databases, dir: string, isNew: boolean): Promise<void> {
  const { meta, root } = databases;
  const format = meta.getBinary('format');
  if (format === undefined) {
    if (!isNew) throw new StoreError('corrupt', `open ${dir}: the database has no format record`);
    await root.batch(() => {
      void meta.put('format', Buffer.from(String(storeFormat)));
      void meta.put('state', LmdbMedium.initialState());
    });
  } else if (String(format) !== String(storeFormat))
    throw new StoreError('version', `open ${dir}: it has store format ${format}, this program reads ${storeFormat}`);
  if (isNew) writeMarker(dir);
}

/** Whole or not at all: an empty marker would be taken for a damaged one. */
function writeMarker(dir: string): void {
  const path = join(dir, markerFileName);
  const file = openSync(`${path}.new`, 'w', 0o600);
  writeSync(file, `${JSON.stringify({ format: storeFormat })}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  syncDirectory(dir);
}
