/** Volumes and their mounts. */
import {
  type FieldError,
  duplicate,
  forbidden,
  invalid,
  notFound,
  required,
} from '../../../../machinery/validation/field-error.ts';
import { isDns1123Label } from '../../../../machinery/validation/formats.ts';
import { Quantity } from '../../../../machinery/quantity/quantity.ts';
import { requiredOf } from '../../../../machinery/validation/checks.ts';
import type { Container, KeyToPath, PodSpec, Volume, VolumeProjection } from '../../../generated/types/core/v1.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './env.ts';

const maxMode = 0o777;

/** `names`: those of the volumes in order, which alone can be mounted. */
export function validateVolumes(spec: PodSpec, field: string): { errors: FieldError[]; names: Set<string> } {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    const at = `${field}[${i}]`;
    const own = [...requiredOf(volume.name, isDns1123Label, `${at}.name`), ...validateSource(volume, spec, at)];
    if (names.has(volume.name)) own.push(duplicate(`${at}.name`, volume.name));
    if (own.length === 0) names.add(volume.name);
    errors.push(...own);
  }
  return { errors, names };
}

function validateSource(volume: Volume, spec: PodSpec, field: string): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] != null);
  if (sources.length === 0) return [required(field, 'must specify a volume type')];
  const errors: FieldError[] = sources
    .slice(1)
    .map((source) => forbidden(`${field}.${source}`, 'may not specify more than 1 volume type'));
  const { hostPath, emptyDir, secret, configMap, downwardAPI, projected, persistentVolumeClaim, nfs, csi } = volume;
  if (hostPath) {
    if (!hostPath.path) errors.push(required(`${field}.hostPath.path`));
    else errors.push(...noBacksteps(hostPath.path, `${field}.hostPath.path`));
  }
  if (emptyDir?.sizeLimit !== undefined && (Quantity.tryParse(emptyDir.sizeLimit)?.sign ?? 0) < 0)
    errors.push(forbidden(`${field}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  if (secret) {
    if (!secret.secretName) errors.push(required(`${field}.secret.secretName`));
    errors.push(...validateItems(secret.defaultMode, secret.items, `${field}.secret`));
  }
  if (configMap) {
    if (!configMap.name) errors.push(required(`${field}.configMap.name`));
    errors.push(...validateItems(configMap.defaultMode, configMap.items, `${field}.configMap`));
  }
  if (downwardAPI) {
    errors.push(...inMode(downwardAPI.defaultMode, `${field}.downwardAPI.defaultMode`));
    errors.push(...validateDownward(downwardAPI.items, `${field}.downwardAPI`));
  }
  if (projected) {
    errors.push(...inMode(projected.defaultMode, `${field}.projected.defaultMode`));
    errors.push(...validateProjections(projected.sources ?? [], spec, `${field}.projected`));
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName)
    errors.push(required(`${field}.persistentVolumeClaim.claimName`));
  if (nfs) {
    if (!nfs.server) errors.push(required(`${field}.nfs.server`));
    if (!nfs.path) errors.push(required(`${field}.nfs.path`));
    else if (!nfs.path.startsWith('/')) errors.push(invalid(`${field}.nfs.path`, nfs.path, 'must be an absolute path'));
  }
  if (csi && !csi.driver) errors.push(required(`${field}.csi.driver`));
  return errors;
}

const inMode = (mode: number | undefined, field: string): FieldError[] =>
  mode === undefined || (mode >= 0 && mode <= maxMode)
    ? []
    : [invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];

function validateItems(mode: number | undefined, items: readonly KeyToPath[] | undefined, field: string): FieldError[] {
  const errors = inMode(mode, `${field}.defaultMode`);
  for (const [i, item] of (items ?? []).entries()) {
    const at = `${field}.items[${i}]`;
    if (!item.key) errors.push(required(`${at}.key`));
    errors.push(...localPath(item.path, `${at}.path`), ...inMode(item.mode, `${at}.mode`));
  }
  return errors;
}

function validateDownward(items: NonNullable<Volume['downwardAPI']>['items'], field: string): FieldError[] {
  return (items ?? []).flatMap((item) => {
    const errors = localPath(item.path, `${field}.path`);
    if (item.fieldRef) {
      errors.push(...validateFieldRef(item.fieldRef, volumeFieldPaths, `${field}.fieldRef`));
      if (item.resourceFieldRef)
        errors.push(invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    } else if (item.resourceFieldRef)
      errors.push(...validateResourceFieldRef(item.resourceFieldRef, `${field}.resourceFieldRef`, true));
    else errors.push(required(field, 'one of fieldRef and resourceFieldRef is required'));
    errors.push(...inMode(item.mode, `${field}.mode`));
    return errors;
  });
}

function validateProjections(sources: readonly VolumeProjection[], spec: PodSpec, field: string): FieldError[] {
  return sources.flatMap((source, i) => {
    const at = `${field}.sources[${i}]`;
    const given = Object.values(source).filter((part) => part != null);
    const errors: FieldError[] = [];
    if (given.length > 1) errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
    if (source.secret) {
      if (!source.secret.name) errors.push(required(`${at}.secret.name`));
      errors.push(...validateItems(undefined, source.secret.items, `${at}.secret`));
    }
    if (source.configMap) {
      if (!source.configMap.name) errors.push(required(`${at}.configMap.name`));
      errors.push(...validateItems(undefined, source.configMap.items, `${at}.configMap`));
    }
    if (source.downwardAPI) errors.push(...validateDownward(source.downwardAPI.items, `${at}.downwardAPI`));
    const token = source.serviceAccountToken;
    if (token) {
      if (!spec.serviceAccountName)
        errors.push(forbidden(`${at}.serviceAccountToken`, 'must not be specified when serviceAccountName is not set'));
      if ((token.expirationSeconds ?? 3600) < 600)
        errors.push(
          invalid(
            `${at}.serviceAccountToken.expirationSeconds`,
            token.expirationSeconds,
            'may not specify a duration less than 10 minutes',
          ),
        );
      if (!token.path) errors.push(required(`${at}.serviceAccountToken.path`));
    }
    return errors;
  });
}

const noBacksteps = (path: string, field: string): FieldError[] =>
  path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];

/** A path below a volume's root. */
function localPath(path: string | undefined, field: string): FieldError[] {
  if (!path) return [required(field)];
  const errors: FieldError[] = [];
  if (path.startsWith('/')) errors.push(invalid(field, path, 'must be a relative path'));
  errors.push(...noBacksteps(path, field));
  if (path.startsWith('..') && !path.startsWith('../') && path !== '..')
    errors.push(invalid(field, path, "must not start with '..'"));
  return errors;
}

export function validateMounts(container: Container, volumes: ReadonlySet<string>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream names no index for what it finds in these fields.
  const mounts = `${field}.volumeMounts`;
  const paths = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${mounts}[${i}]`;
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!volumes.has(mount.name ?? '')) errors.push(notFound(`${at}.name`, mount.name ?? ''));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (mount.subPath) errors.push(...localPath(mount.subPath, `${mounts}.subPath`));
    if (mount.subPathExpr) {
      if (mount.subPath)
        errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      errors.push(...localPath(mount.subPathExpr, `${mounts}.subPathExpr`));
    }
    if (mount.mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true)
      errors.push(
        forbidden(
          `${mounts}.mountPropagation`,
          'Bidirectional mount propagation is available only to privileged containers',
        ),
      );
  }
  return errors;
}
