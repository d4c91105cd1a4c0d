/** Probes, lifecycle hooks and what they do. */
import { type FieldError, forbidden, invalid, required } from '../../../../machinery/validation/field-error.ts';
import { isHttpHeaderName, isPortName, isPortNumber } from '../../../../machinery/validation/formats.ts';
import { nonNegative } from '../../../../machinery/validation/checks.ts';
import type { Container, LifecycleHandler, Probe } from '../../../generated/types/core/v1.ts';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

export function validatePort(port: number | string | undefined, field: string): FieldError[] {
  if (typeof port === 'string') return isPortName(port).map((message) => invalid(field, port, message));
  return isPortNumber(port ?? 0).map((message) => invalid(field, port ?? 0, message));
}

function validateHandler(handler: Handler, field: string, graceSeconds: number): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  const one = (name: string, check: () => readonly FieldError[]) => {
    if (count++ > 0) errors.push(forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'));
    else errors.push(...check());
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec) one('exec', () => (exec.command?.length ? [] : [required(`${field}.exec.command`)]));
  if (httpGet)
    one('httpGet', () => [
      ...(httpGet.path ? [] : [required(`${field}.httpGet.path`)]),
      ...validatePort(httpGet.port, `${field}.httpGet.port`),
      ...(httpGet.httpHeaders ?? []).flatMap((header) =>
        isHttpHeaderName(header.name).map((message) => invalid(`${field}.httpGet.httpHeaders`, header.name, message)),
      ),
    ]);
  if (tcpSocket) one('tcpSocket', () => validatePort(tcpSocket.port, `${field}.tcpSocket.port`));
  if (grpc) one('grpc', () => validatePort(grpc.port, `${field}.grpc.port`));
  if (sleep)
    one('sleep', () =>
      sleep.seconds >= 0 && sleep.seconds <= graceSeconds
        ? []
        : [
            invalid(
              `${field}.sleep`,
              sleep.seconds,
              `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
            ),
          ],
    );
  if (count === 0) errors.push(required(field, 'must specify a handler type'));
  return errors;
}

function validateProbe(probe: Probe, field: string): FieldError[] {
  const errors = validateHandler(probe, field, 0);
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    errors.push(...nonNegative(probe[name], `${field}.${name}`));
  if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0)
    errors.push(
      invalid(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 'must be greater than 0'),
    );
  return errors;
}

/** For containers that run: all that is set. */
export function validateProbes(container: Container, field: string, graceSeconds: number): FieldError[] {
  const errors: FieldError[] = [];
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  if (lifecycle?.postStart)
    errors.push(...validateHandler(lifecycle.postStart, `${field}.lifecycle.postStart`, graceSeconds));
  if (lifecycle?.preStop)
    errors.push(...validateHandler(lifecycle.preStop, `${field}.lifecycle.preStop`, graceSeconds));
  for (const [name, probe] of [
    ['livenessProbe', livenessProbe],
    ['startupProbe', startupProbe],
  ] as const) {
    if (!probe) continue;
    errors.push(...validateProbe(probe, `${field}.${name}`));
    if (probe.successThreshold !== 1)
      errors.push(invalid(`${field}.${name}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  }
  if (readinessProbe) {
    errors.push(...validateProbe(readinessProbe, `${field}.readinessProbe`));
    if (readinessProbe.terminationGracePeriodSeconds !== undefined)
      errors.push(
        invalid(
          `${field}.readinessProbe.terminationGracePeriodSeconds`,
          readinessProbe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes',
        ),
      );
  }
  return errors;
}

/** Init containers run to their end: nothing probes them, unless they stay. */
export function forbidProbes(container: Container, field: string): FieldError[] {
  return (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((name) => container[name] !== undefined)
    .map((name) => forbidden(`${field}.${name}`, 'may not be set for init containers without restartPolicy=Always'));
}
