/** The parts of an X.501 name (RFC 5280, section 4.1.2.4) that tell who somebody is to the API server. */
import * as der from './der.ts';

export interface SubjectNames {
  /** The user name of a client. */
  readonly commonName: string;
  /** Its groups. */
  readonly organizations: readonly string[];
}

const commonName = der.objectIdentifier('2.5.4.3');
const organization = der.objectIdentifier('2.5.4.10');

/** CN and O of a name's encoding. Of several CNs the last counts, as for Go. */
export function namesOf(name: Uint8Array): SubjectNames {
  const names = { commonName: '', organizations: [] as string[] };
  for (const rdn of der.readAll(der.readAll(name)[0]!.contents))
    for (const attribute of der.readAll(rdn.contents)) {
      const [type, value] = der.readAll(attribute.contents);
      const text = new TextDecoder().decode(value!.contents);
      if (der.sameBytes(commonName, type!.raw)) names.commonName = text;
      else if (der.sameBytes(organization, type!.raw)) names.organizations.push(text);
    }
  return names;
}
