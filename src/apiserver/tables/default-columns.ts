/** The columns of kinds that say nothing of columns: custom resources. */
import { ageColumn, nameColumn } from '../../apis/common/columns.ts';
import type { Column } from '../../apis/kind.ts';

export const defaultColumns: readonly Column[] = [nameColumn, ageColumn];
