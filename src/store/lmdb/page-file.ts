import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StoreError } from '../store.ts';
import { toStoreError } from './errors.ts';

/**
 * Looks at a database file before it is mapped: where a mapped file ends too early, a read is not an error but the
 * death of the process.
 *
 * The layout (data version 2, little-endian): pages of one size, each beginning with a header of 24 bytes
 *
 *     0      8       16    18      20             24
 *     pgno   txnid   pad   flags   lower, upper   entries, or
 *                                  pages          the bytes of an overflow
 *
 * Pages 0 and 1 are the meta pages, written in turns: the one with the higher txnid counts. It names the roots of two
 * trees: free pages, and main. A branch page's nodes name pages, a leaf page's nodes hold data, or name an overflow
 * (data too large for a leaf: several pages in a row), or hold the root of another tree.
 */
const headerBytes = 24;
const magic = 0xbeefc0de;
const dataVersion = 2;
const smallestPageBytes = 512;
const noPage = 0xffff_ffff_ffff_ffffn;
const pageFlags = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 };
const nodeFlags = { overflow: 0x01, tree: 0x02 };
const nodeHeaderBytes = 8;
/** Offsets within a meta page. */
const meta = { magic: 24, version: 28, pageBytes: 48, freeRoot: 88, mainRoot: 136, lastPage: 144, txnid: 152 };
/** The root's offset within the description of a tree in a leaf. */
const treeRoot = 40;

/**
 * Throws StoreError 'corrupt' or 'version' unless every page that the newest meta page leads to is in the file. The
 * pages are only walked if the file is shorter than the meta page says: it may be, when the last pages are free.
 */
export function checkDatabaseFile(path: string, options: { readonly walk?: boolean } = {}): void {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw toStoreError(`open ${path}`, error);
  }
  try {
    const fileBytes = fstatSync(fd).size;
    const { pageBytes, newest } = readMeta(fd, path);
    const neededBytes = (Number(newest.readBigUInt64LE(meta.lastPage)) + 1) * pageBytes;
    if (fileBytes >= neededBytes && !options.walk) return;
    const walk = new PageWalk(fd, path, pageBytes, fileBytes);
    walk.tree(newest.readBigUInt64LE(meta.freeRoot));
    walk.tree(newest.readBigUInt64LE(meta.mainRoot));
  } finally {
    closeSync(fd);
  }
}

function readMeta(fd: number, path: string): { pageBytes: number; newest: Buffer } {
  const first = metaAt(fd, path, 0);
  const version = first.readUInt32LE(meta.version);
  if (version !== dataVersion)
    throw new StoreError('version', `open ${path}: its data version is ${version}, this program reads ${dataVersion}`);
  const pageBytes = first.readUInt32LE(meta.pageBytes);
  if (pageBytes < smallestPageBytes || (pageBytes & (pageBytes - 1)) !== 0)
    throw corrupt(path, `its pages would be of ${pageBytes} bytes`);
  const second = metaAt(fd, path, pageBytes);
  return {
    pageBytes,
    newest: first.readBigUInt64LE(meta.txnid) >= second.readBigUInt64LE(meta.txnid) ? first : second,
  };
}

function metaAt(fd: number, path: string, offset: number): Buffer {
  const bytes = Buffer.alloc(meta.txnid + 8);
  if (readSync(fd, bytes, 0, bytes.length, offset) < bytes.length) throw corrupt(path, 'it ends within its meta pages');
  if (bytes.readUInt32LE(meta.magic) !== magic || (bytes.readUInt16LE(18) & pageFlags.meta) === 0)
    throw corrupt(path, `there is no meta page at ${offset}`);
  return bytes;
}

class PageWalk {
  readonly #fd: number;
  readonly #path: string;
  readonly #pageBytes: number;
  readonly #fileBytes: number;

  constructor(fd: number, path: string, pageBytes: number, fileBytes: number) {
    this.#fd = fd;
    this.#path = path;
    this.#pageBytes = pageBytes;
    this.#fileBytes = fileBytes;
  }

  /** All pages under this root. */
  tree(root: bigint): void {
    const pending = root === noPage ? [] : [root];
    for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
      const page = this.#read(number, 1);
      const flags = page.readUInt16LE(18);
      const isBranch = (flags & pageFlags.branch) !== 0;
      if (!isBranch && (flags & pageFlags.leaf) === 0) throw corrupt(this.#path, `page ${number} is of no known kind`);
      const nodes = page.readUInt16LE(20) >> 1;
      for (let i = 0; i < nodes; i++) {
        const at = headerBytes + (headerBytes + 2 * i + 2 <= page.length ? page.readUInt16LE(headerBytes + 2 * i) : 0);
        if (at + nodeHeaderBytes > page.length) throw corrupt(this.#path, `page ${number} has a node outside itself`);
        const low = page.readUInt32LE(at);
        const flagsOrHigh = page.readUInt16LE(at + 4);
        if (isBranch) {
          pending.push(BigInt(low) + (BigInt(flagsOrHigh) << 32n));
          continue;
        }
        const data = at + nodeHeaderBytes + page.readUInt16LE(at + 6);
        if (flagsOrHigh & nodeFlags.overflow) this.#overflow(page.readBigUInt64LE(data), low);
        else if (data + low > page.length) throw corrupt(this.#path, `page ${number} has data outside itself`);
        else if (flagsOrHigh & nodeFlags.tree) {
          const inner = page.readBigUInt64LE(data + treeRoot);
          if (inner !== noPage) pending.push(inner);
        }
      }
    }
  }

  #overflow(number: bigint, dataBytes: number): void {
    const first = this.#read(number, 1);
    if ((first.readUInt16LE(18) & pageFlags.overflow) === 0)
      throw corrupt(this.#path, `page ${number} is not the overflow it should be`);
    this.#mustHold(number, Math.ceil((headerBytes + dataBytes) / this.#pageBytes));
  }

  #read(number: bigint, pages: number): Buffer {
    this.#mustHold(number, pages);
    const page = Buffer.alloc(this.#pageBytes);
    readSync(this.#fd, page, 0, page.length, Number(number) * this.#pageBytes);
    if (page.readBigUInt64LE(0) !== number) throw corrupt(this.#path, `page ${number} is not there`);
    return page;
  }

  #mustHold(number: bigint, pages: number): void {
    if ((Number(number) + pages) * this.#pageBytes > this.#fileBytes)
      throw corrupt(this.#path, `it has ${this.#fileBytes} bytes, too few for its page ${number}: it was cut off`);
  }
}

function corrupt(path: string, what: string): StoreError {
  return new StoreError('corrupt', `open ${path}: ${what} (restore the directory from a backup)`);
}
