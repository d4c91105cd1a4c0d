import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { Secret } from '../../generated/types/core/v1.ts';
import { validateSecret, validateSecretUpdate } from './validation.ts';

/** `stringData` is for writing only: it goes into `data`, over what is there. */
function mergeStringData(secret: Secret): void {
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    secret.data ??= {};
    secret.data[key] = base64(text);
  }
  delete secret.stringData;
}

function base64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export const secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  applyDefaults: mergeStringData,
  strategy: {
    validate: validateSecret,
    validateUpdate: validateSecretUpdate,
  },
  selectableFields: { type: (s) => s.type ?? '' },
  columns: [
    nameColumn,
    column<Secret>('Type', (s) => s.type ?? '', { description: 'What its keys mean.' }),
    column<Secret>('Data', (s) => Object.keys(s.data ?? {}).length, { description: 'Number of keys.' }),
    ageColumn,
  ],
});
