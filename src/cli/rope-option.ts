// The flag that says how positions are stretched: none, linear:FACTOR, yarn:FACTOR or yarn:FACTOR:ORIGINAL.
import { isRopeScaling } from '../engine/load/rope-override.ts';
import type { RopeScaling } from '../engine/load/load-types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Option } from './options.ts';

export const ropeScaling: Option<RopeScaling> = {
  value: 'TYPE:FACTOR',
  help: 'Stretch positions past what the model was trained for: linear:4, yarn:4, yarn:4:8192 (trained for 8192), none',
  parse(given) {
    const text = given.at(-1)!;
    const [, type, factor, original] = /^(linear|yarn):(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(text) ?? [];
    const scaling = text === 'none' ? 'none' : {
      type, factor: Number(factor), ...(original !== undefined && { originalContextLength: Number(original) }),
    };
    if (isRopeScaling(scaling)) return scaling;
    throw new InvalidArgumentError(
      `must be none, linear:FACTOR or yarn:FACTOR[:ORIGINAL] with a factor of at least 1, not "${text.slice(0, 80)}"`,
    );
  },
};
