import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { subjectNames } from './certificate.ts';
import { ensureClusterPki, memoryClusterPki } from './pki-files.ts';

const nowMs = Date.UTC(2026, 5, 1);

describe('the PKI of a cluster', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'skiff-pki-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('is made once: the second start changes no file', () => {
    ensureClusterPki(directory, { nowMs, sans: ['10.0.0.1'] });
    const before = readdirSync(directory).map((f) => [f, readFileSync(join(directory, f), 'utf8')]);
    ensureClusterPki(directory, { nowMs, sans: ['10.0.0.1'] });
    expect(readdirSync(directory).map((f) => [f, readFileSync(join(directory, f), 'utf8')])).toEqual(before);
    expect(statSync(join(directory, 'ca.key')).mode & 0o777).toBe(0o600);
  });

  test('renews a leaf when an address is new or the end is near, and keeps the CA', () => {
    const first = ensureClusterPki(directory, { nowMs });
    const second = ensureClusterPki(directory, { nowMs, sans: ['10.0.0.7', 'fd00::7'] });
    expect(second.ca.certPem).toBe(first.ca.certPem);
    expect(second.apiserver.certPem).not.toBe(first.apiserver.certPem);
    expect(second.client('admin').certPem).toBe(first.client('admin').certPem);
    const certificate = new X509Certificate(second.apiserver.certPem);
    expect(certificate.checkIP('10.0.0.7')).toBe('10.0.0.7');
    expect(certificate.checkIP('fd00::7')).toBe('fd00::7');
    expect(certificate.checkHost('kubernetes.default.svc.cluster.local')).toBeDefined();
    const later = ensureClusterPki(directory, { nowMs: nowMs + 340 * 86_400_000 });
    expect(later.client('admin').certPem).not.toBe(first.client('admin').certPem);
  });

  test('refuses a CA whose key is missing', () => {
    ensureClusterPki(directory, { nowMs });
    rmSync(join(directory, 'ca.key'));
    expect(() => ensureClusterPki(directory, { nowMs })).toThrow(/ca\.key is missing/);
  });
});

test('certificates verify against their CA and carry the expected subjects', () => {
  const pki = memoryClusterPki({ nowMs });
  const ca = new X509Certificate(pki.ca.certPem);
  expect(ca.ca).toBe(true);
  expect(ca.verify(ca.publicKey)).toBe(true);
  const cases = [
    [pki.client('super-admin'), 'kubernetes-super-admin', ['system:masters']],
    [pki.client({ node: 'n1' }), 'system:node:n1', ['system:nodes']],
    [pki.client({ commonName: 'fred', organizations: ['a', 'b'] }), 'fred', ['a', 'b']],
    [pki.kubeletServing('n1', ['10.0.0.1']), 'system:node:n1', ['system:nodes']],
  ] as const;
  for (const [pair, commonName, organizations] of cases) {
    const certificate = new X509Certificate(pair.certPem);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(subjectNames(certificate.raw)).toEqual({ commonName, organizations });
  }
});

test('kubeconfig embeds the CA and the client certificate', () => {
  const pki = memoryClusterPki({ nowMs });
  const text = pki.kubeconfig('admin', 'https://127.0.0.1:6443');
  expect(text).toContain('current-context: "kubernetes-admin@kubernetes"');
  expect(text).toContain(Buffer.from(pki.client('admin').keyPem).toString('base64'));
});

test('a client’s key names its algorithm, as kubeadm writes it', () => {
  expect(memoryClusterPki({ nowMs: 0 }).client('super-admin').keyPem).toMatch(/^-----BEGIN EC PRIVATE KEY-----/);
});
