import { StoreError, type KeyRange, type Txn } from '../store.ts';

/** Longer than any key of the API (253 + 63 characters and the resource), short enough for every backend's key limit. */
export const maxKeyBytes = 1024;

/** As etcd's default (--max-txn-ops). */
export const maxTxnOps = 128;

/** Throws StoreError 'invalid' unless the key is printable ASCII and of a length that every backend can keep. */
export function validateKey(key: string, action: string): void {
  if (key.length === 0 || key.length > maxKeyBytes)
    throw new StoreError(
      'invalid',
      `${action}: key of ${key.length} bytes: a key has 1 to ${maxKeyBytes} (${JSON.stringify(key.slice(0, 60))})`,
    );
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code < 0x20 || code > 0x7e)
      throw new StoreError('invalid', `${action}: key ${JSON.stringify(key)} must be printable ASCII`);
  }
}

export function validateTxn(txn: Txn): void {
  if (txn.success.length > maxTxnOps || txn.compare.length > maxTxnOps)
    throw new StoreError(
      'invalid',
      `txn: ${txn.compare.length} comparisons and ${txn.success.length} writes: at most ${maxTxnOps} of each`,
    );
  for (const compare of txn.compare) {
    validateKey(compare.key, 'txn: compare');
    if (!Number.isSafeInteger(compare.modRevision) || compare.modRevision < 0)
      throw new StoreError('invalid', `txn: compare of ${compare.key}: ${compare.modRevision} is not a revision`);
  }
  for (const op of txn.success) validateKey(op.key, `txn: ${op.op}`);
  if (txn.success.length > 1) {
    const keys = new Set<string>();
    for (const op of txn.success) {
      if (keys.has(op.key)) throw new StoreError('invalid', `txn: key ${op.key} is written twice`);
      keys.add(op.key);
    }
  }
}

export function validateRange(range: KeyRange & { readonly limit?: number }): void {
  if (range.limit !== undefined && (!Number.isSafeInteger(range.limit) || range.limit < 1))
    throw new StoreError('invalid', `range: limit ${range.limit} must be a whole number of at least 1`);
}
