import { messageOf } from '../../base/errors.ts';
import { StoreError, type StoreErrorCode } from '../store.ts';

/** What errno and LMDB's own numbers mean for us. */
const codes: ReadonlyMap<number, StoreErrorCode> = new Map([
  [1, 'permission'], // EPERM
  [13, 'permission'], // EACCES
  [30, 'permission'], // EROFS
  [27, 'full'], // EFBIG
  [28, 'full'], // ENOSPC
  [122, 'full'], // EDQUOT
  [-30792, 'full'], // MDB_MAP_FULL
  [-30793, 'corrupt'], // MDB_INVALID
  [-30796, 'corrupt'], // MDB_CORRUPTED
  [-30797, 'corrupt'], // MDB_PAGE_NOTFOUND
  [-30794, 'version'], // MDB_VERSION_MISMATCH
]);

const advice: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  permission: 'make the directory and its files readable and writable for this user',
  full: 'nothing of it was written; make room on the disk, then try again',
  corrupt: 'restore the directory from a backup',
  version: 'open it with the version that wrote it',
};

/** The error of the database or of node:fs as ours, with what was being done and what can be done. */
export function toStoreError(action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const number = errnoOf(error);
  const code = (number !== undefined && codes.get(number)) || 'io';
  const hint = advice[code];
  return new StoreError(code, `${action}: ${messageOf(error)}${hint ? ` (${hint})` : ''}`, { cause: error });
}

/** For a write that failed for want of room without saying so. */
export function fullError(action: string, cause: unknown): StoreError {
  return new StoreError('full', `${action}: no space left on the disk (${advice.full})`, { cause });
}

/** The database gives `code` as a number; node:fs gives `errno`, negated. */
function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  if (typeof code === 'number') return code;
  return typeof errno === 'number' ? -errno : undefined;
}
