/** Which seams this browser compared in vain: they are not compared again by themselves. */

/** Remembers that comparing gave no answer. */
export function rememberTried(chainId: string, afterSeq: number): void {
  try {
    localStorage.setItem(keyOf(chainId, afterSeq), "1");
  } catch {
    // A browser that keeps nothing compares again.
  }
}

/** True where comparing gave no answer before. */
export function wasTried(chainId: string, afterSeq: number): boolean {
  try {
    return localStorage.getItem(keyOf(chainId, afterSeq)) !== null;
  } catch {
    return false;
  }
}

function keyOf(chainId: string, afterSeq: number): string {
  return `gapless-compared:${chainId}:${afterSeq}`;
}
