// By which names a server is asked: a page of another site that makes its own name point at this machine (DNS rebinding) asks by that.

/** Names by which this machine calls itself. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

export interface AllowedHosts {
  /** Names answered to, without ports; any where undefined. */
  readonly names: readonly string[] | undefined;
  /** Answer to every IP address besides: no page can have one for a name. */
  readonly addresses?: boolean;
}

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const LOOPBACK_ADDRESSES = new Set(['localhost', '127.0.0.1', '::1']);

/** Whether an address to listen on is of this machine alone. */
export const isLoopback = (address: string): boolean => LOOPBACK_ADDRESSES.has(address);

/** Whether a Host header, with its port if it has one, names what is allowed. */
export function hostFilter({ names, addresses = false }: AllowedHosts): (header: string) => boolean {
  const allowed = names && new Set(names.map((name) => name.toLowerCase()));
  return (header) => {
    const host = header.toLowerCase().replace(/:\d+$/, '');
    return !allowed || allowed.has(host) || (addresses && ADDRESS.test(host));
  };
}

/**
 * What a server that listens on `address` answers to where it is not told: on another address than this machine's own, the names are
 * the operator's to know, and keys keep out pages that rebind theirs; without keys, names that pages cannot have.
 */
export function usualHosts(address: string, hasKeys: boolean): AllowedHosts {
  if (isLoopback(address)) return { names: LOOPBACK_HOSTS };
  return hasKeys ? { names: undefined } : { names: [...LOOPBACK_HOSTS, address], addresses: true };
}
