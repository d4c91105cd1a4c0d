import { ageColumn, column, nameColumn, shortList, unset } from '../../common/columns.ts';
import { defineKind } from '../../common/define.ts';
import type { StorageVersion } from '../../generated/types/internal.apiserver.k8s.io/v1alpha1.ts';

export const storageVersion = defineKind<StorageVersion>({
  group: 'internal.apiserver.k8s.io',
  version: 'v1alpha1',
  kind: 'StorageVersion',
  columns: [
    nameColumn,
    column<StorageVersion>('CommonEncodingVersion', (v) => v.status?.commonEncodingVersion ?? unset, {
      description: 'The version all store.',
    }),
    column<StorageVersion>(
      'StorageVersions',
      (v) =>
        shortList(
          (v.status?.storageVersions ?? []).map((s) => `${s.apiServerID}=${s.encodingVersion}`),
          3,
          unset,
        ),
      {
        description: 'The version each API server stores.',
      },
    ),
    ageColumn,
  ],
});
