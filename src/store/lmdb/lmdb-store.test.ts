import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeSuite, type OpenStore } from '../store.suite.ts';
import { storeModelSuite } from '../store-model.suite.ts';
import { openLmdbStore } from './lmdb-store.ts';

const open: OpenStore = async (clock) => {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-store-'));
  const store = await openLmdbStore({ dir, clock });
  let current = store;
  return {
    store,
    reopen: async () => {
      await current.close();
      current = await openLmdbStore({ dir, clock });
      return current;
    },
    dispose: async () => rmSync(dir, { recursive: true, force: true }),
  };
};
storeSuite('the lmdb store', open);
storeModelSuite('the lmdb store', open, 40);
