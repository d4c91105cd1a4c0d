/**
 * Every conditional default, by the type it belongs to. A group's hooks are in `apis/<group>/defaults.ts`; adding some is
 * one line here.
 */
import type { TypeDefaulters } from '../machinery/schema/defaults.ts';

export const typeDefaulters: TypeDefaulters = {};
