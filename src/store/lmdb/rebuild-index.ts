import { type Clock, yieldTask } from '../../base/clock.ts';
import { StoreError } from '../store.ts';
import type { Databases } from './lmdb-medium.ts';
import { RecordView, revisionOf } from './record.ts';

/** Records of one transaction: a few milliseconds of work. */
const sliceRecords = 500;

/**
 * Makes the index and the list of expiries anew from the records alone. If it is cut short the index is incomplete:
 * run it again to the end.
 */
export async function rebuildIndex({ root, records, index, expiry }: Databases, clock: Clock): Promise<void> {
  await root.batch(() => {
    void index.clearAsync();
    void expiry.clearAsync();
  });
  for (let next = 0, more = true; more; ) {
    more = false;
    const slice: RecordView[] = [];
    for (const { key: id, value } of records.getRange({ start: next, limit: sliceRecords })) {
      const record = new RecordView(id, value);
      if (!record.wellFormed)
        throw new StoreError('corrupt', `rebuild index: the record of revision ${revisionOf(id)} is not well-formed`);
      slice.push(record);
      next = id + 1;
      more = true;
    }
    await root.batch(() => {
      for (const record of slice) {
        const { key, expiresAtMs } = record;
        const head = Buffer.alloc(8);
        head.writeDoubleLE(record.isDeletion ? -record.id : record.id);
        void index.put(key, head);
        if (expiresAtMs === undefined || record.isDeletion) void expiry.remove(key);
        else {
          const value = Buffer.alloc(16);
          value.writeDoubleLE(expiresAtMs, 0);
          value.writeDoubleLE(revisionOf(record.id), 8);
          void expiry.put(key, value);
        }
      }
    });
    await yieldTask(clock);
  }
}
