/** Amounts in the units that scheduling adds and compares: numbers, parsed once when an object arrives. */
import { milliUnits, wholeUnits } from './amounts.ts';
import type { ResourceList } from '../framework/objects.ts';

export class Resource {
  cpuMilli = 0;
  memoryBytes = 0;
  ephemeralStorageBytes = 0;
  /** Of a node: how many pods it takes. Of a pod: not used. */
  pods = 0;
  /** Extended resources, huge pages and attachable volumes, by name. */
  readonly scalars = new Map<string, number>();

  static from(list: ResourceList | undefined): Resource {
    const r = new Resource();
    if (list !== undefined) for (const name of Object.keys(list)) r.set(name, list[name]!);
    return r;
  }

  set(name: string, quantity: string): void {
    switch (name) {
      case 'cpu':
        this.cpuMilli = milliUnits(quantity);
        break;
      case 'memory':
        this.memoryBytes = wholeUnits(quantity);
        break;
      case 'ephemeral-storage':
        this.ephemeralStorageBytes = wholeUnits(quantity);
        break;
      case 'pods':
        this.pods = wholeUnits(quantity);
        break;
      default:
        if (isScalarName(name)) this.scalars.set(name, wholeUnits(quantity));
    }
  }

  get(name: string): number {
    switch (name) {
      case 'cpu':
        return this.cpuMilli;
      case 'memory':
        return this.memoryBytes;
      case 'ephemeral-storage':
        return this.ephemeralStorageBytes;
      case 'pods':
        return this.pods;
      default:
        return this.scalars.get(name) ?? 0;
    }
  }

  /** Adds `sign` times the other amounts. */
  add(other: Resource, sign: 1 | -1 = 1): void {
    this.cpuMilli += sign * other.cpuMilli;
    this.memoryBytes += sign * other.memoryBytes;
    this.ephemeralStorageBytes += sign * other.ephemeralStorageBytes;
    for (const [name, amount] of other.scalars) this.scalars.set(name, (this.scalars.get(name) ?? 0) + sign * amount);
  }

  /** Raises each amount to the other's where that is larger. */
  raiseTo(other: Resource): void {
    this.cpuMilli = Math.max(this.cpuMilli, other.cpuMilli);
    this.memoryBytes = Math.max(this.memoryBytes, other.memoryBytes);
    this.ephemeralStorageBytes = Math.max(this.ephemeralStorageBytes, other.ephemeralStorageBytes);
    for (const [name, amount] of other.scalars) this.scalars.set(name, Math.max(this.scalars.get(name) ?? 0, amount));
  }

  clone(): Resource {
    const r = new Resource();
    r.cpuMilli = this.cpuMilli;
    r.memoryBytes = this.memoryBytes;
    r.ephemeralStorageBytes = this.ephemeralStorageBytes;
    r.pods = this.pods;
    for (const [name, amount] of this.scalars) r.scalars.set(name, amount);
    return r;
  }
}

/**
 * Names that are counted besides the built-in ones: extended resources (a domain that is not kubernetes.io, and not a
 * quota's `requests.` form), huge pages, attachable volumes, and whatever else stands under kubernetes.io.
 */
export function isScalarName(name: string): boolean {
  return (
    isExtendedResourceName(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('attachable-volumes-') ||
    name.includes('kubernetes.io/')
  );
}

export function isExtendedResourceName(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}
