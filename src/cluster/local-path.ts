/** Directories of the nodes as volumes: the default StorageClass, who may serve it, and a node's part of it. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageClass } from '../apis/generated/types/storage.k8s.io/v1.ts';
import { realClock } from '../base/node/real-clock.ts';
import { secureRandom } from '../base/node/secure-random.ts';
import { messageOf } from '../base/errors.ts';
import type { Client } from '../client/client.ts';
import { EventBroadcaster } from '../client/events.ts';
import { InformerFactory } from '../client/informers.ts';
import { localPathProvisioner } from '../controllers/local-path/plan.ts';
import { type Directories, LocalPathProvisioner } from '../controllers/local-path/provisioner.ts';
import { isAlreadyExists } from '../machinery/status/is.ts';
import { allow } from './network-access.ts';
import type { Stages } from './stages.ts';

const read = ['get', 'list', 'watch'];

/** Idempotent: what an operator has changed since stays so; one that was deleted comes back with the next start. */
export async function addLocalPathClass(client: Client, userName: string): Promise<void> {
  await allow(client, 'skiff:local-path', userName, [
    { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...read, 'create', 'update', 'delete'] },
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: read },
    { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: read },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  ]);
  const storageClass: StorageClass = {
    metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: localPathProvisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
  const classes = client.resource<StorageClass>({
    group: 'storage.k8s.io',
    version: 'v1',
    resource: 'storageclasses',
  });
  await classes.create(storageClass).catch((error) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

const onDisk: Directories = {
  async make(path) {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
};

/** Hollow nodes have no disk: their volumes are names. */
const nowhere: Directories = { make: async () => {}, remove: async () => {} };

/** For one node with its own directory; without one for all nodes, which are hollow. */
export async function startLocalPath(
  node: { readonly name: string; readonly dataDir: string } | undefined,
  client: Client,
  stages: Stages,
  log: (message: string) => void,
): Promise<void> {
  const onError = (error: unknown) => log(`local-path: ${messageOf(error)}`);
  const informers = new InformerFactory({ client, clock: realClock, random: secureRandom, onError });
  const events = new EventBroadcaster({ client, clock: realClock, onError });
  const provisioner = new LocalPathProvisioner(
    (name) => {
      if (!node) return name === '' ? undefined : { name, root: '/var/lib/local-path' };
      return name === node.name ? { name, root: join(node.dataDir, 'local-path') } : undefined;
    },
    {
      client,
      informers,
      clock: realClock,
      recorder: (component) => events.recorder(component, node?.name),
      onError: (_name, error) => onError(error),
    },
    node ? onDisk : nowhere,
  );
  await stages.run(
    'local volumes',
    () => {
      events.start();
      provisioner.start();
      informers.start();
    },
    async () => {
      await provisioner.stop();
      await informers.stop();
      await events.stop();
    },
  );
}
