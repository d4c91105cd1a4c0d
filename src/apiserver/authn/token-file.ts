/** The static token file (`--token-auth-file`): lines of `token,user,uid,"group1,group2"`. */
import type { UserInfo } from '../../machinery/wire.ts';

/** Throws when a line has fewer than three columns or an empty token or user. A repeated token: the last one counts. */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '') return;
    const columns = csvColumns(line);
    const [token = '', username = '', uid = '', groups = ''] = columns;
    if (columns.length < 3)
      throw new Error(`reading the token file: line ${i + 1} has ${columns.length} column(s), needs token,user,uid`);
    if (token === '' || username === '')
      throw new Error(`reading the token file: line ${i + 1} has an empty ${token === '' ? 'token' : 'user'}`);
    users.set(token, {
      username,
      ...(uid === '' ? {} : { uid }),
      groups: groups.split(',').filter((group) => group !== ''),
    });
  });
  return users;
}

/** One line of comma-separated values; a quoted value may hold commas, and quotes by doubling them. */
function csvColumns(line: string): string[] {
  const columns: string[] = [];
  for (const [, quoted, plain] of `,${line}`.matchAll(/,\s*(?:"((?:[^"]|"")*)"|([^,]*))/g))
    columns.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
  return columns;
}
