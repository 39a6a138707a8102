// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// What make dashboard-check holds config/prometheus/dashboard.json to: the types of
// Grafana's own package, strict about properties that they do not have.
import type { Dashboard, FieldConfigSource, Panel, RowPanel } from "@grafana/schema";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as StateTimeline, FieldConfig as StateTimelineField } from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type { Options as Timeseries, FieldConfig as TimeseriesField } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON has the values of an enum of strings, not its names.
type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
// A property that an index signature would let through.
type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

type Source = { type: "prometheus"; uid: "${datasource}" };
// Grafana publishes no types of the Prometheus data source's queries.
type Query = { datasource: Source; expr: string; legendFormat: string; refId: string; range: true };
type Defaults<F> = Omit<Known<FieldConfigSource["defaults"]>, "custom"> & { custom?: Partial<F> };
type Of<Type extends string, Options, Field> = Omit<Known<Panel>, "type" | "options" | "fieldConfig" | "targets" | "datasource"> & {
  type: Type; datasource: Source; targets: Query[]; options: Partial<Options>;
  fieldConfig: { defaults: Defaults<Field>; overrides: FieldConfigSource["overrides"] };
};
type Row = Omit<Known<RowPanel>, "type"> & { type: "row" };

export type Shipped = Plain<Omit<Known<Dashboard>, "panels">> & {
  panels: Plain<Row | Of<"stat", Stat, never> | Of<"timeseries", Timeseries, TimeseriesField> | Of<"state-timeline", StateTimeline, StateTimelineField>>[];
};
