/**
 * Leases: the right of one process to run something, for a while. A lease's record changes whenever
 * it is taken or renewed, so a write that checks it ({@link fence}) fails for anyone who lost it.
 */
import { z } from "zod";
import { keys } from "./keys.ts";
import { commit, MAX_COMMIT_ATTEMPTS, readRecord, type StoreContext } from "./records.ts";

const leaseSchema = z.object({
  owner: z.string(),
  /** Goes up by one with every new owner: the fencing token. */
  token: z.number().int().positive(),
  expiresAtMs: z.number(),
});

/** A lease that is held. Replace it by what `renew` answers. */
export interface Lease extends z.infer<typeof leaseSchema> {
  name: string;
  versionstamp: string;
}

/** The leases of the store. Times come from the caller's clock. */
export interface Leases {
  /** Takes the lease if it is free or expired (or ours already); null if another holds it. */
  acquire(name: string, owner: string, ttlMs: number, nowMs: number): Promise<Lease | null>;
  /** Lengthens it; null if it was lost. */
  renew(lease: Lease, ttlMs: number, nowMs: number): Promise<Lease | null>;
  /** Whether nobody has taken it since: its writes would still be accepted. */
  holds(lease: Lease): Promise<boolean>;
  /** Gives it back; does nothing if it was lost. */
  release(lease: Lease): Promise<void>;
}

/** Makes the operation fail unless `lease` is still held. */
export function fence(operation: Deno.AtomicOperation, lease: Lease): Deno.AtomicOperation {
  return operation.check({ key: keys.lease(lease.name), versionstamp: lease.versionstamp });
}

/** The leases in this KV. */
export function createLeases(context: StoreContext): Leases {
  const { kv } = context;
  const put = async (
    name: string,
    before: string | null,
    value: z.infer<typeof leaseSchema>,
  ): Promise<Lease | null> => {
    const key = keys.lease(name);
    const operation = kv.atomic().check({ key, versionstamp: before }).set(key, value);
    const versionstamp = await commit(operation, `Take lease "${name}"`);
    return versionstamp === null ? null : { ...value, name, versionstamp };
  };

  /** Writes another end into a lease that is held; null if it was lost. */
  const replace = async (lease: Lease, expiresAtMs: number): Promise<Lease | null> => {
    const { name, owner, token } = lease;
    let { versionstamp }: { versionstamp: string | null } = lease;
    // A commit may fail although nobody has taken it: who did is seen by reading again.
    for (let i = 0; i < MAX_COMMIT_ATTEMPTS; i++) {
      const replaced = await put(name, versionstamp, { owner, token, expiresAtMs });
      if (replaced) return replaced;
      const now = await readRecord(context, leaseSchema, keys.lease(name));
      if (now.value?.owner !== owner || now.value.token !== token) return null;
      versionstamp = now.versionstamp;
    }
    return null;
  };

  return {
    async acquire(name, owner, ttlMs, nowMs) {
      for (let i = 0; i < MAX_COMMIT_ATTEMPTS; i++) {
        const { value, versionstamp } = await readRecord(context, leaseSchema, keys.lease(name));
        if (value && value.owner !== owner && value.expiresAtMs > nowMs) return null;
        const token = (value?.token ?? 0) + 1;
        const lease = await put(name, versionstamp, { owner, token, expiresAtMs: nowMs + ttlMs });
        if (lease) return lease;
      }
      return null;
    },
    renew: (lease, ttlMs, nowMs) => replace(lease, nowMs + ttlMs),
    async holds(lease) {
      return (await kv.get(keys.lease(lease.name))).versionstamp === lease.versionstamp;
    },
    async release(lease) {
      // Kept, expired: the token must never go down.
      await replace(lease, 0);
    },
  };
}
