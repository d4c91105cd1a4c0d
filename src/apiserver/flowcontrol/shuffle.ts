/** Shuffle sharding: each flow is dealt a hand of queues, so that few flows share all of theirs with a loud one. */

/** FNV-1a, 32 bit, of a flow's identity. */
export function flowHash(schema: string, distinguisher: string): number {
  let hash = 0x811c9dc5;
  const text = `${schema}\u0000${distinguisher}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** `handSize` different numbers below `deckSize`, always the same for a hash. */
export function deal(hash: number, deckSize: number, handSize: number): number[] {
  const hand: number[] = [];
  let state = hash;
  while (hand.length < Math.min(handSize, deckSize)) {
    // A step of a linear congruential generator (Numerical Recipes); its upper bits are the good ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let card = Math.floor((state / 2 ** 32) * (deckSize - hand.length));
    // The card-th of those that are left.
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++;
    hand.push(card);
  }
  return hand;
}
