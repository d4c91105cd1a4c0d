import { describe, expect, test } from 'vitest';
import { newForbidden } from '../../machinery/status/errors.ts';
import type { StorageHooks } from '../registry/hooks.ts';
import { configMap, testRegistry } from '../registry/testing.suite.ts';
import type { AdmissionPlugin, Attributes } from './plugin.ts';

const base = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };
const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };

function plugin(name: string, log: string[], more: Partial<AdmissionPlugin> = {}): AdmissionPlugin {
  const note = (what: string, a: Attributes) =>
    log.push(`${name} ${what} ${a.operation} ${a.resource}${a.subresource && `/${a.subresource}`} ${a.name || '?'}`);
  return {
    name,
    handles: () => true,
    admit: (attributes) => void note('admits', attributes),
    validate: (attributes) => void note('validates', attributes),
    ...more,
  };
}

describe('the chain', () => {
  test('all plugins admit, in order, before the first validates', async () => {
    const log: string[] = [];
    const { call } = await testRegistry({ admission: [plugin('one', log), plugin('two', log)] });
    await call('POST', base, { body: { metadata: { generateName: 'a-' } } });
    expect(log.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'one admits',
      'two admits',
      'one validates',
      'two validates',
    ]);
    expect(log[0]).toBe('one admits CREATE configmaps ?');
    expect(log[2]).toMatch(/^one validates CREATE configmaps a-\w{5}$/);
  });

  test('sees every verb, and sub-resources under their own names', async () => {
    const log: string[] = [];
    const { call } = await testRegistry({ admission: [plugin('p', log, { admit: () => {} })] });
    await call('POST', pods, { body: pod });
    await call('PATCH', `${pods}/p`, { body: { metadata: { labels: { a: 'b' } } }, headers: merge });
    await call('PATCH', `${pods}/p/status`, { body: { status: { phase: 'Running' } }, headers: merge });
    await call('POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target: { name: 'n' } } });
    await call('DELETE', `${pods}/p?gracePeriodSeconds=0`);
    await call('GET', `${pods}/p`);
    expect(log).toEqual([
      'p validates CREATE pods p',
      'p validates UPDATE pods p',
      'p validates UPDATE pods/status p',
      'p validates CREATE pods/binding p',
      'p validates DELETE pods p',
    ]);
  });

  test('what a plugin adds is defaulted before it is validated', async () => {
    const addsContainer = plugin('adds', [], {
      admit: ({ object }) => {
        (object as unknown as typeof pod).spec.containers.push({ name: 'more', image: 'i' });
      },
    });
    const { call } = await testRegistry({ admission: [addsContainer] });
    const { body } = await call('POST', pods, { body: pod });
    expect(body.spec.containers[1].imagePullPolicy).toBe('Always');
  });

  test('a refusal is the answer; any other failure forbids', async () => {
    const refuse = plugin('refuses', [], {
      validate: ({ name }) => {
        if (name === 'a') throw newForbidden({ group: '', resource: 'configmaps' }, name, 'because');
        throw new Error('broken');
      },
    });
    const { call, store } = await testRegistry({ admission: [refuse] });
    const before = store.revision;
    const refused = await call('POST', base, { body: configMap('a') });
    expect([refused.status, refused.body.message]).toEqual([403, 'configmaps "a" is forbidden: because']);
    const broken = await call('POST', base, { body: configMap('b') });
    expect([broken.status, broken.body.message]).toEqual([403, 'configmaps "b" is forbidden: broken']);
    expect(store.revision).toBe(before);
  });
});

describe('storage hooks', () => {
  function hooks(log: string[]): StorageHooks {
    return {
      group: '',
      resource: 'configmaps',
      beforeCreate(object) {
        log.push(`create ${object.metadata.name}`);
        object.metadata.annotations = { allocated: 'yes' };
        return () => void log.push(`undo ${object.metadata.name}`);
      },
      beforeUpdate(object, old) {
        log.push(`update ${old.metadata.resourceVersion === object.metadata.resourceVersion}`);
        return () => void log.push('undo update');
      },
      afterDelete: (old) => void log.push(`gone ${old.metadata.name}`),
    };
  }

  test('run around the write, and are undone when there is none', async () => {
    const log: string[] = [];
    const { call } = await testRegistry({ hooks: [hooks(log)] });
    const { body } = await call('POST', base, { body: configMap('a') });
    expect(body.metadata.annotations).toEqual({ allocated: 'yes' });
    await call('POST', base, { body: configMap('a') });
    await call('POST', `${base}?dryRun=All`, { body: configMap('b') });
    await call('PUT', `${base}/a`, { body: { ...body, data: { x: 'y' } } });
    await call('DELETE', `${base}/a`);
    expect(log).toEqual(['create a', 'create a', 'undo a', 'create b', 'undo b', 'update true', 'gone a']);
  });

  test('one that refuses undoes those before it', async () => {
    const log: string[] = [];
    const refuses: StorageHooks = {
      group: '',
      resource: 'configmaps',
      beforeCreate() {
        throw newForbidden({ group: '', resource: 'configmaps' }, 'a', 'none left');
      },
    };
    const { call } = await testRegistry({ hooks: [hooks(log), refuses] });
    const { status } = await call('POST', base, { body: configMap('a') });
    expect([status, log]).toEqual([403, ['create a', 'undo a']]);
  });
});
