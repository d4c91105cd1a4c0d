import { type FieldError, invalid, required } from '../../../machinery/validation/field-error.ts';
import { validateImmutable } from '../../../machinery/validation/object-meta.ts';
import { decodedBytes, notTooLarge, validateImmutableData, validateKeys } from '../../common/validate-data.ts';
import type { Secret } from '../../generated/types/core/v1.ts';

export const serviceAccountNameAnnotation = 'kubernetes.io/service-account.name';

/** What a Secret of a known type must hold. */
function validateType(secret: Secret): FieldError[] {
  const { data = {}, type = '' } = secret;
  const missing = (...keys: string[]) =>
    keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  const json = (key: string) => {
    if (data[key] === undefined) return [required(`data[${key}]`)];
    try {
      JSON.parse(atob(data[key]));
      return [];
    } catch (error) {
      return [invalid(`data[${key}]`, '<secret contents redacted>', error instanceof Error ? error.message : '')];
    }
  };
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return secret.metadata.annotations?.[serviceAccountNameAnnotation]
        ? []
        : [required(`metadata.annotations[${serviceAccountNameAnnotation}]`)];
    case 'kubernetes.io/dockercfg':
      return json('.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return json('.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return data['username'] === undefined && data['password'] === undefined
        ? [required('data[username]'), required('data[password]')]
        : [];
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

export const validateSecret = (secret: Secret): FieldError[] => [
  ...validateKeys(secret.data, 'data'),
  ...notTooLarge(decodedBytes(secret.data), 'data'),
  ...validateType(secret),
];

export const validateSecretUpdate = (secret: Secret, old: Secret): FieldError[] => [
  ...validateSecret(secret),
  ...validateImmutable(secret.type, old.type, 'type'),
  ...validateImmutableData(secret, old, ['data']),
];
