// Rotary position embedding: the table of cosines and sines of a batch, and the rotation by it.
import { angle_quotient, cos_reduced, reduce_angle, sin_reduced } from './math';

/**
 * out[r][2i], out[r][2i + 1] = cos and sin of positions[r] · frequencies[i] (/ factors[i]), times scale. In float64;
 * the standard library's sin and cos are not used because their tables would be static data.
 */
export function rope_angles_f32(
  out: usize, outBytes: usize, positions: usize, frequencies: usize, factors: usize, pairs: u32, scale: f32, n: u32,
): void {
  for (let r: u32 = 0; r < n; r++) {
    const position = <f64>load<i32>(positions + (<usize>r << 2));
    for (let i: u32 = 0; i < pairs; i++) {
      const at = <usize>i << 2;
      let rate = <f64>load<f32>(frequencies + at);
      if (factors) rate /= <f64>load<f32>(factors + at);
      const angle = position * rate, quotient = angle_quotient(angle), rest = reduce_angle(angle, quotient);
      const c = cos_reduced(rest), s = sin_reduced(rest), quarter = <i32>quotient & 3;
      const cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
      const sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
      store<f32>(out + (at << 1), <f32>(cosine * <f64>scale));
      store<f32>(out + (at << 1), <f32>(sine * <f64>scale), 4);
    }
    out += outBytes;
  }
}

/** Rotates heads [headFrom, headTo) of `n` rows in place; `offset`, `headBytes` in bytes; neox pairs (i, i + pairs). */
export function rope_f32(
  x: usize, xBytes: usize, angles: usize, anglesBytes: usize, headFrom: u32, headTo: u32, headBytes: usize,
  offset: usize, pairs: u32, neox: i32, n: u32,
): void {
  const step: usize = neox ? 4 : 8, partner: usize = neox ? <usize>pairs << 2 : 4;
  for (let r: u32 = 0; r < n; r++) {
    for (let h = headFrom; h < headTo; h++) {
      let a = x + <usize>h * headBytes + offset, turn = angles;
      for (let i: u32 = 0; i < pairs; i++) {
        const u = load<f32>(a), v = load<f32>(a + partner), c = load<f32>(turn), s = load<f32>(turn, 4);
        store<f32>(a, u * c - v * s);
        store<f32>(a + partner, u * s + v * c);
        a += step; turn += 8;
      }
    }
    x += xBytes; angles += anglesBytes;
  }
}
