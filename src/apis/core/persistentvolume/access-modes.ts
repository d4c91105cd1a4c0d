import { type FieldError, forbidden, notSupported } from '../../../machinery/validation/field-error.ts';

/** Where the class stood before it was a field. */
export const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

const short: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** Short forms, in a fixed order, each once. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.keys(short)
    .filter((mode) => modes?.includes(mode))
    .map((mode) => short[mode])
    .join(',');
}

/** Whoever wants a volume for one pod alone cannot share it as well. */
export function validateAccessModes(modes: readonly string[], field: string): FieldError[] {
  const known = Object.keys(short).sort();
  const errors = modes.filter((mode) => !known.includes(mode)).map((mode) => notSupported(field, mode, known));
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && known.includes(mode)))
    errors.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}
