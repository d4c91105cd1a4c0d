import { type FieldError, invalid } from '../../../machinery/validation/field-error.ts';
import { ageColumn, column, nameColumn } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import {
  decodedBytes,
  notTooLarge,
  textBytes,
  validateImmutableData,
  validateKeys,
} from '../../common/validate-data.ts';
import type { ConfigMap } from '../../generated/types/core/v1.ts';

const size = (map: object | undefined) => Object.keys(map ?? {}).length;

function validate(configMap: ConfigMap): FieldError[] {
  const { data, binaryData } = configMap;
  const twice = Object.keys(data ?? {}).filter((key) => binaryData !== undefined && Object.hasOwn(binaryData, key));
  return [
    ...validateKeys(data, 'data'),
    ...twice.map((key) => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...validateKeys(binaryData, 'binaryData'),
    ...notTooLarge(textBytes(data) + decodedBytes(binaryData), ''),
  ];
}

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...validateImmutableData(object, old, ['data', 'binaryData']),
    ],
  },
  columns: [
    nameColumn,
    column<ConfigMap>('Data', (c) => size(c.data) + size(c.binaryData), { description: 'Number of keys.' }),
    ageColumn,
  ],
});
