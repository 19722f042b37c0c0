/** The discrete Fourier transform, for lengths that are powers of two. */

/** The smallest power of two that is at least `length`. */
export function powerOfTwo(length: number): number {
  let size = 1;
  while (size < length) size *= 2;
  return size;
}

/**
 * Transforms `re + i im` in place (radix 2, decimation in time). The inverse is scaled by 1/length,
 * so that there and back gives what was there. Throws RangeError unless both lengths are the same
 * power of two.
 */
export function fft(re: Float64Array, im: Float64Array, inverse = false): void {
  const size = re.length;
  if (size !== im.length || size !== powerOfTwo(size)) {
    throw new RangeError(`Cannot transform ${size} and ${im.length} numbers: not a power of two`);
  }
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(re, i, j);
      swap(im, i, j);
    }
  }
  const turn = (inverse ? 2 : -2) * Math.PI / size;
  const cos = new Float64Array(size >> 1);
  const sin = new Float64Array(size >> 1);
  for (let k = 0; k < cos.length; k++) {
    cos[k] = Math.cos(turn * k);
    sin[k] = Math.sin(turn * k);
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let from = 0; from < size; from += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [even, odd] = [from + k, from + k + half];
        const c = at(cos, k * stride), s = at(sin, k * stride);
        const oddRe = at(re, odd) * c - at(im, odd) * s;
        const oddIm = at(re, odd) * s + at(im, odd) * c;
        re[odd] = at(re, even) - oddRe;
        im[odd] = at(im, even) - oddIm;
        re[even] = at(re, even) + oddRe;
        im[even] = at(im, even) + oddIm;
      }
    }
  }
  if (!inverse) return;
  for (let i = 0; i < size; i++) {
    re[i] = at(re, i) / size;
    im[i] = at(im, i) / size;
  }
}

function swap(list: Float64Array, i: number, j: number): void {
  const kept = at(list, i);
  list[i] = at(list, j);
  list[j] = kept;
}

/** The numbers of a list, then zeros, `size` in all. */
export function padded(list: Float32Array, size: number): Float64Array {
  const out = new Float64Array(size);
  out.set(list);
  return out;
}

/** A number of a list, 0 outside of it. */
export function at(list: Float64Array | Float32Array, index: number): number {
  return list[index] ?? 0;
}
