/**
 * Differences from upstream that are meant, or that are open with a reason: a pattern for the title of the step (scenario,
 * colon, step) and one for the line that differs. A run says which of them were of no use.
 */
export interface KnownDifference {
  readonly step: RegExp;
  readonly line: RegExp;
  readonly reason: string;
}

export const known: readonly KnownDifference[] = [
  {
    step: /./,
    line: /\.columnDefinitions\[\d+\]\.description = /,
    reason: 'What a column shows is described in our own words.',
  },
  {
    step: / PUT /,
    line: /StorageError: invalid object|Precondition failed: UID in precondition/,
    reason: 'Upstream tells the key in etcd of an object whose UID is not the one that was named.',
  },
  {
    step: /^watches: 9/,
    line: /^[-+] \[\d\]\.object\.columnDefinitions/,
    reason:
      'Each event of a watch as Table names its columns, so that all watchers share it; upstream names them once.',
  },
  {
    step: /^verbs apps\/v1 daemonsets: .*as=PartialObjectMetadat/,
    line: /^\+ .*\.annotations\.deprecated\.daemonset\.template\.generation/,
    reason: 'Upstream keeps this annotation out of metadata alone, by a way through its internal version.',
  },
];
