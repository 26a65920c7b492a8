import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Outcome, Sample } from './model.ts';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const points = 200;

/** One line for each outcome, over the hours, as SVG; drawn without a browser. */
export function linePlot(
  title: string,
  unit: string,
  outcomes: readonly Outcome[],
  value: (sample: Sample) => number,
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 360 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: ['#1f4e9e', '#b5460f', '#2c7a2c'],
    title: { text: title, left: 'center', textStyle: { fontSize: 14 } },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 50, bottom: 75 },
    xAxis: { type: 'value', name: 'hours', nameLocation: 'middle', nameGap: 25, min: 0 },
    yAxis: { type: 'value', name: unit },
    series: outcomes.map(({ scenario, samples }, index) => ({
      type: 'line',
      name: scenario.name,
      showSymbol: false,
      // Told apart without colour too.
      lineStyle: { type: (['solid', 'dashed', 'dotted'] as const)[index % 3] ?? 'solid' },
      data: thinned(samples).map((sample) => [Number(sample.hours.toFixed(3)), Number(value(sample).toFixed(2))]),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // For readers who do not see it; echarts leaves it out.
  return svg.replace(/^<svg[^>]*>/, (tag) => `${tag}<title>${title}</title>`);
}

function thinned(samples: readonly Sample[]): Sample[] {
  const step = Math.max(1, Math.ceil(samples.length / points));
  return samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
}
