// Layers with state from row to row: short causal convolutions and Mamba's selective scan. Channels are independent, so
// a thread takes a range of them and walks all rows; a row's state is that of its slot, cleared at position 0.
import { exp_f32, softplus_f32 } from './math';

// @ts-ignore: decorator
@inline function word(x: usize, i: u32): u32 {
  return load<u32>(x + (<usize>i << 2));
}

/** State rows are (width − 1, channels). `bias` 0 means none. */
export function short_conv_f32(
  out: usize, outBytes: usize, x: usize, xBytes: usize, kernel: usize, width: u32, bias: usize, state: usize,
  channels: u32, positions: usize, slots: usize, from: u32, to: u32, n: u32,
): void {
  const lane = <usize>channels << 2, stateBytes = <usize>(width - 1) * lane;
  for (let r: u32 = 0; r < n; r++) {
    const past = state + <usize>word(slots, r) * stateBytes, fresh = word(positions, r) == 0;
    for (let c = from; c < to; c++) {
      const at = <usize>c << 2, taps = kernel + ((<usize>c * <usize>width) << 2), input = load<f32>(x + at);
      let sum: f32 = bias ? load<f32>(bias + at) : 0;
      for (let t: u32 = 0; t < width - 1; t++) {
        const cell = past + <usize>t * lane + at;
        if (fresh) store<f32>(cell, 0);
        sum += load<f32>(taps + (<usize>t << 2)) * load<f32>(cell);
      }
      for (let t: u32 = 1; t < width - 1; t++) {
        store<f32>(past + <usize>(t - 1) * lane + at, load<f32>(past + <usize>t * lane + at));
      }
      if (width > 1) store<f32>(past + <usize>(width - 2) * lane + at, input);
      store<f32>(out + at, sum + load<f32>(taps + (<usize>(width - 1) << 2)) * input);
    }
    x += xBytes; out += outBytes;
  }
}

/** Channels [from, to) of h = h · exp(Δ · a) + Δ · b · x, out = h · c + d · x, Δ = softplus(dt). */
export function selective_scan_f32(
  out: usize, outBytes: usize, x: usize, xBytes: usize, dt: usize, dtBytes: usize, b: usize, bBytes: usize,
  c: usize, cBytes: usize, a: usize, d: usize, stateSize: u32, state: usize, inner: u32,
  positions: usize, slots: usize, from: u32, to: u32, n: u32,
): void {
  for (let r: u32 = 0; r < n; r++) {
    const hidden = state + ((<usize>word(slots, r) * <usize>inner * <usize>stateSize) << 2), fresh = word(positions, r) == 0;
    for (let i = from; i < to; i++) {
      const at = <usize>i << 2, own = (<usize>i * <usize>stateSize) << 2;
      const input = load<f32>(x + at), step = softplus_f32(load<f32>(dt + at));
      let sum = load<f32>(d + at) * input;
      for (let s: u32 = 0; s < stateSize; s++) {
        const cell = <usize>s << 2, h = hidden + own + cell;
        const before: f32 = fresh ? 0 : load<f32>(h);
        const now = before * exp_f32(step * load<f32>(a + own + cell)) + step * load<f32>(b + cell) * input;
        store<f32>(h, now);
        sum += now * load<f32>(c + cell);
      }
      store<f32>(out + at, sum);
    }
    x += xBytes; dt += dtBytes; b += bBytes; c += cBytes; out += outBytes;
  }
}
