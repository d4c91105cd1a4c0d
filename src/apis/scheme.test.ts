import { describe, expect, test } from 'vitest';
import { messageOf } from '../base/errors.ts';
import { withoutRepeats } from '../machinery/schema/validate.ts';
import { fieldErrorText, required } from '../machinery/validation/field-error.ts';
import { allResources, builtinPatchLookup, builtinTypes, findResource, findSchema, schemaOf } from './scheme.ts';

const decode = (group: string, version: string, kind: string, body: unknown) =>
  schemaOf(group, version, kind).decode(typeof body === 'string' ? body : JSON.stringify(body));
const deployment = (spec: unknown) => decode('apps', 'v1', 'Deployment', { metadata: { name: 'a' }, spec });
const pod = (spec: object) => decode('', 'v1', 'Pod', { metadata: { name: 'a' }, spec });

test('every resource has a type, and the table links in full', () => {
  expect(allResources().length).toBe(95);
  expect(allResources().filter((r) => r.servedByDefault).length).toBe(68);
  for (const id of builtinTypes.ids())
    for (const field of builtinTypes.get(id).fields) expect(field.value.go).not.toBe('');
  expect(findResource('apps', 'v1', 'deployments')?.shortNames).toEqual(['deploy']);
  expect(findSchema('apps', 'v1', 'DeleteOptions')?.type.id).toBe('meta/v1/DeleteOptions');
  expect(findSchema('apps', 'v1', 'Nothing')).toBeUndefined();
});

describe('decoding', () => {
  test.each<[string, unknown, string]>([
    [
      'a string for an int32',
      { replicas: 'x' },
      'string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    ['a fraction', { replicas: 1.5 }, 'number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [
      'an overflow',
      { replicas: 3000000000 },
      'number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      'a list for a struct',
      { template: [] },
      'array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec',
    ],
    [
      'a bool for a string',
      { strategy: { type: true } },
      'bool into Go struct field DeploymentStrategy.spec.strategy.type of type v1.DeploymentStrategyType',
    ],
    [
      'an object for a list',
      { template: { spec: { containers: {} } } },
      'object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      'a string for a list item',
      { template: { spec: { containers: ['x'] } } },
      'string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container',
    ],
    [
      'a number inside a list',
      { template: { spec: { containers: [{ image: 1 }] } } },
      'number into Go struct field Container.spec.template.spec.containers.image of type string',
    ],
    [
      'a number for a map value',
      { selector: { matchLabels: { a: 1 } } },
      'number into Go struct field LabelSelector.spec.selector.matchLabels of type string',
    ],
  ])('refuses %s in the words of Go', (_, spec, message) => {
    expect(() => deployment(spec)).toThrow(`json: cannot unmarshal ${message}`);
  });

  test('refuses a body that is no object', () => {
    expect(() => decode('', 'v1', 'Pod', [])).toThrow('json: cannot unmarshal array into Go value of type v1.Pod');
  });

  test('drops and names unknown fields and names duplicates', () => {
    const { object, strictErrors } = decode(
      'apps',
      'v1',
      'Deployment',
      '{"spec":{"replicas":1,"foo":{"x":1,"x":2},"replicas":2,"template":{"spec":{"containers":[{"name":"a"},{"nam":"b"}]}}},"bar":1}',
    );
    expect(strictErrors).toEqual([
      'unknown field "spec.foo"',
      'unknown field "spec.template.spec.containers[1].nam"',
      'unknown field "bar"',
      'duplicate field "spec.replicas"',
    ]);
    expect(object).toMatchObject({ spec: { replicas: 2, template: { spec: { containers: [{ name: 'a' }, {}] } } } });
    expect(JSON.stringify(object)).not.toContain('foo');
  });

  test('makes the same object of bodies that mean the same', () => {
    const short = decode('', 'v1', 'Pod', '{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]}}').object;
    const long = decode(
      '',
      'v1',
      'Pod',
      `{"metadata":{"name":"a","creationTimestamp":null,"labels":{}},"spec":{"nodeName":"","hostNetwork":false,"volumes":[],
        "containers":[{"name":"c","resources":{},"env":null}]},"status":{}}`,
    ).object;
    expect(long).toEqual(short);
  });

  test('keeps zero and empty behind a pointer', () => {
    const { object } = deployment({
      replicas: 0,
      selector: {},
      template: { spec: { containers: [], securityContext: {} } },
    });
    expect(object).toMatchObject({ spec: { replicas: 0, selector: {}, template: { spec: { securityContext: {} } } } });
    expect(schemaOf('apps', 'v1', 'Deployment').encodeText(object)).toBe(
      '{"metadata":{"name":"a"},"spec":{"replicas":0,"selector":{},"template":{"metadata":{},"spec":{"containers":null,"securityContext":{}}},"strategy":{}},"status":{}}',
    );
  });

  test('a ConfigMap keeps the keys __proto__, "10" and "2", in the order of their bytes', () => {
    const text = '{"metadata":{"name":"a"},"data":{"2":"two","__proto__":"x","10":"ten"}}';
    const { object, strictErrors } = decode('', 'v1', 'ConfigMap', text);
    expect(strictErrors).toEqual([]);
    expect(schemaOf('', 'v1', 'ConfigMap').encodeText(object)).toBe(
      '{"metadata":{"name":"a"},"data":{"10":"ten","2":"two","__proto__":"x"}}',
    );
  });

  test('an int64 beyond 2^53 comes back digit for digit', () => {
    const { object } = decode(
      '',
      'v1',
      'Pod',
      '{"metadata":{"name":"a","generation":9007199254740993},"spec":{"containers":[]}}',
    );
    expect(schemaOf('', 'v1', 'Pod').encodeText(object)).toContain('"generation":9007199254740993');
  });

  test.each<[unknown, unknown, unknown]>([
    ['100m', '100m', undefined],
    ['1000m', '1', undefined],
    [1, '1', undefined],
    ['0.5Gi', '512Mi', undefined],
    ['x', undefined, 'quantities must match the regular expression'],
    [true, undefined, 'quantities must match the regular expression'],
  ])('a quantity of %j is %j', (value, canonical, message) => {
    const make = () => pod({ containers: [{ name: 'c', resources: { limits: { cpu: value } } }] }).object;
    if (message) expect(make).toThrow(message as string);
    else expect(make()).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: canonical } } }] } });
  });

  test.each([
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59Z'],
    ['2024-01-01T00:30:00.999999+02:00', '2023-12-31T22:30:00Z'],
  ])('the time %s is %s', (given, canonical) => {
    const { object } = decode('', 'v1', 'Pod', { metadata: { creationTimestamp: given } });
    expect(object.metadata.creationTimestamp).toBe(canonical);
  });

  test.each([
    ['yesterday', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
    ['2023-02-29T00:00:00Z', 'parsing time "2023-02-29T00:00:00Z": day out of range'],
  ])('refuses the time %s', (given, message) => {
    expect(() => decode('', 'v1', 'Pod', { metadata: { creationTimestamp: given } })).toThrow(message);
  });

  test.each([
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000000Z'],
    ['2024-01-01T00:00:00.1234567+01:00', '2023-12-31T23:00:00.123456Z'],
  ])('the time with microseconds %s is %s', (given, canonical) => {
    const { object } = decode('coordination.k8s.io', 'v1', 'Lease', { spec: { renewTime: given } });
    expect(object).toMatchObject({ spec: { renewTime: canonical } });
  });

  test.each([
    ['aGk=', 'aGk=', undefined],
    ['aGk\n=', 'aGk=', undefined],
    ['a*k=', undefined, 'illegal base64 data at input byte 1'],
    ['aGk', undefined, 'illegal base64 data at input byte'],
  ])('secret data %j', (given, canonical, message) => {
    const make = () => decode('', 'v1', 'Secret', { data: { a: given } }).object;
    if (message) expect(make).toThrow(message);
    else expect(make()).toMatchObject({ data: { a: canonical } });
  });
});

describe('encoding', () => {
  test('writes zero values as Go does, whatever the order of the members', () => {
    const event = decode('', 'v1', 'Event', { involvedObject: {}, metadata: { name: 'e' } }).object;
    expect(schemaOf('', 'v1', 'Event').encodeText({ kind: 'Event', apiVersion: 'v1', ...event })).toBe(
      '{"kind":"Event","apiVersion":"v1","metadata":{"name":"e"},"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""}',
    );
  });

  test('escapes HTML in values and keys', () => {
    const { object } = decode('', 'v1', 'ConfigMap', { data: { 'a&b': '<x>' } });
    expect(schemaOf('', 'v1', 'ConfigMap').encodeText(object)).toBe(
      '{"metadata":{},"data":{"a\\u0026b":"\\u003cx\\u003e"}}',
    );
  });

  test('sorts by code point, not by UTF-16 unit', () => {
    const { object } = decode('', 'v1', 'ConfigMap', { data: { '\u{1f600}': 'a', '\uff5e': 'b' } });
    expect(schemaOf('', 'v1', 'ConfigMap').encodeText(object)).toBe(
      '{"metadata":{},"data":{"\uff5e":"b","\u{1f600}":"a"}}',
    );
  });
});

describe('defaults', () => {
  test('fill a pod template wherever it is', () => {
    const schema = schemaOf('batch', 'v1', 'CronJob');
    const { object } = schema.decode(
      '{"metadata":{"name":"a"},"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":1}],"livenessProbe":{"httpGet":{"port":1}}}]}}}}}}',
    );
    schema.applyDefaults(object);
    const once = structuredClone(object);
    schema.applyDefaults(object);
    expect(object).toEqual(once);
    expect(object).toMatchObject({
      spec: {
        concurrencyPolicy: 'Allow',
        jobTemplate: {
          spec: {
            template: {
              spec: {
                restartPolicy: 'Always',
                dnsPolicy: 'ClusterFirst',
                securityContext: {},
                terminationGracePeriodSeconds: 30,
                containers: [
                  {
                    terminationMessagePath: '/dev/termination-log',
                    ports: [{ protocol: 'TCP' }],
                    livenessProbe: { httpGet: { path: '/', scheme: 'HTTP' }, periodSeconds: 10 },
                  },
                ],
              },
            },
          },
        },
      },
    });
  });
});

describe('validation by the table', () => {
  test.each<[string, object, string[]]>([
    [
      'a value outside its enum',
      { restartPolicy: 'Sometimes', containers: [{ name: 'c', imagePullPolicy: 'Always' }] },
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    ['a required list', { containers: [] }, ['spec.containers: Required value']],
    [
      'required strings, but not those that may be empty',
      { containers: [{ livenessProbe: { httpGet: { port: 1, httpHeaders: [{ name: 'a' }] } }, env: [{}] }] },
      ['spec.containers[0].name: Required value', 'spec.containers[0].env[0].name: Required value'],
    ],
  ])('names %s', (_, spec, errors) => {
    const schema = schemaOf('', 'v1', 'Pod');
    expect(schema.validate(pod(spec).object).map(fieldErrorText)).toEqual(errors);
  });

  test('names a required pointer that is absent, and takes an empty one', () => {
    const schema = schemaOf('apps', 'v1', 'Deployment');
    const spec = { template: { spec: { containers: [{ name: 'c' }] } } };
    expect(schema.validate(deployment(spec).object).map(fieldErrorText)).toEqual(['spec.selector: Required value']);
    expect(schema.validate(deployment({ ...spec, selector: {} }).object)).toEqual([]);
  });

  test('gives way to better words for the same', () => {
    const [own, other] = [required('spec.selector', 'say which'), required('spec.template')];
    expect(withoutRepeats([required('spec.selector'), other, own])).toEqual([other, own]);
  });
});

test('strategic merge finds merge keys through lists and templates', () => {
  expect(builtinPatchLookup.patchMeta('core/v1/PodSpec', 'containers')).toEqual({
    strategy: 'merge',
    mergeKey: 'name',
    childType: 'core/v1/Container',
  });
  expect(builtinPatchLookup.patchMeta('core/v1/PodSpec', 'nothing')).toBeUndefined();
});

test('the decoder survives any JSON', () => {
  for (const body of ['null', '{"metadata":null}', '{"spec":null}', '{"metadata":{"labels":{"a":null}}}']) {
    try {
      const { object } = decode('', 'v1', 'Pod', body);
      expect(object.metadata).toBeDefined();
    } catch (error) {
      expect(messageOf(error)).toBe('');
    }
  }
});
