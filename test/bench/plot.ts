import * as echarts from "echarts";
import type { FleetResult } from "./results.ts";

const series: readonly {
  name: string;
  color: string;
  seconds: (fleet: FleetResult) => number | undefined;
}[] = [
  { name: "up", color: "#1f6feb", seconds: (fleet) => fleet.up.seconds },
  { name: "up, nothing to do", color: "#79b8ff", seconds: (fleet) => fleet.noopUp.seconds },
  { name: "preview", color: "#8250df", seconds: (fleet) => fleet.preview.seconds },
  { name: "destroy", color: "#cf222e", seconds: (fleet) => fleet.destroy.seconds },
  { name: "kubectl apply", color: "#57606a", seconds: (fleet) => fleet.kubectlApply.seconds },
  { name: "kubectl delete", color: "#afb8c1", seconds: (fleet) => fleet.kubectlDelete.seconds },
  {
    name: "up, default checkpoints",
    color: "#d4a72c",
    seconds: (fleet) => fleet.defaultCheckpoints?.seconds,
  },
];

/** Seconds by operation and fleet size as an SVG document, on a logarithmic axis. */
export function plotFleets(fleets: readonly FleetResult[]): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 900, height: 480 });
  const shown = series.filter(({ seconds }) => fleets.some((fleet) => seconds(fleet) !== undefined));
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: "Seconds by operation and number of agents", left: "center" },
    legend: { bottom: 0 },
    grid: { left: 60, right: 20, top: 50, bottom: 70 },
    xAxis: { type: "category", name: "agents", data: fleets.map(({ agents }) => String(agents)) },
    yAxis: { type: "log", name: "seconds", min: 1 },
    series: shown.map(({ name, color, seconds }) => ({
      name,
      type: "bar",
      itemStyle: { color },
      label: { show: true, position: "top", fontSize: 9 },
      data: fleets.map((fleet) => {
        const value = seconds(fleet);
        return value === undefined ? null : Math.round(value * 10) / 10;
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
