// Draws the plots of a report. The data is in the element #plots (report/plots.ts says what it is); d3 and Plot are globals.
'use strict';

(() => {
  const plots = JSON.parse(document.getElementById('plots').textContent);
  const HEIGHT = 300;
  const LIGHT = ['#4269d0', '#d9870b', '#d6434f', '#3f9e8f', '#4f9e3f', '#c0559a', '#8a5bd1', '#4f93c9', '#9c6b4e', '#7f8794'];
  const DARK = ['#7b9cf8', '#efb118', '#ff7a82', '#6cc5b0', '#7fc96b', '#ff9bd2', '#b894f0', '#8fcbf5', '#c79a7d', '#aeb6c2'];
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const SYMBOLS = ['circle', 'triangle', 'square', 'diamond', 'star', 'cross', 'wye', 'times', 'asterisk', 'plus'];
  /** Of whole lines, one for each round of colours, so that they can be told apart in black and white too. */
  const DASHES = [undefined, '12 3', '12 3 2 3', '7 2 2 2 2 2'];
  const PLACES = LIGHT.length * SYMBOLS.length;
  const FEW_POINTS = 12;
  /** A line of many points has a symbol at some of them. */
  const SYMBOLS_A_LINE = 8;
  /** With more figures than this the page begins with one heap size. */
  const MANY_FIGURES = 24;

  /** A row has the same colour and symbol in all plots. */
  const rowNames = [
    ...new Set(plots.flatMap(({ lines = [] }) => lines.filter(({ dashed }) => !dashed).map(({ name }) => plainName(name)))),
  ];
  function plainName(name) {
    return name.replace(/ \((file-blocks|committed|resident)\)$|, worst$|, alive$|, after collections$/, '');
  }

  /** 0.001 is written 1 us, 1000 is written 1 s. */
  const msText = (ms) =>
    ms < 1 ? `${+(ms * 1000).toPrecision(3)} us` : ms < 1000 ? `${+ms.toPrecision(3)} ms` : `${+(ms / 1000).toPrecision(3)} s`;
  const percentileText = (inverse) => {
    const share = 100 * (1 - 1 / inverse);
    return `${+share.toFixed(Math.max(0, Math.ceil(Math.log10(inverse)) - 2))} %`;
  };

  /** Options of Plot for one of our axes. */
  function scaleOf({ label, scale }, values) {
    if (scale === 'percentile') {
      const last = Math.max(10, ...values);
      const near = last < 1e4 ? [1, 2] : [2];
      const ticks = [...near, ...d3.range(1, Math.ceil(Math.log10(last)) + 1).map((decade) => 10 ** decade)].filter(
        (tick) => tick <= last * 1.01,
      );
      return { type: 'log', label, domain: [1, last], ticks, tickFormat: percentileText, grid: true };
    }
    if (scale === 'share') return { label, domain: [0, 1], tickFormat: '.0%', grid: true };
    if (scale === 'log') {
      const isTime = /, ms$/.test(label);
      const [low, high] = d3.extent(values);
      const decades = Math.log10(high / low);
      const few = new Set(values).size <= FEW_POINTS;
      const powers = d3.range(Math.ceil(Math.log10(low)), Math.floor(Math.log10(high)) + 1).map((power) => 10 ** power);
      const ticks = few ? [...new Set(values)].sort((a, b) => a - b) : decades >= 2 ? powers : 5;
      return {
        type: 'log',
        label: label.replace(/, ms$/, ''),
        grid: true,
        ticks,
        tickFormat: isTime ? msText : (value) => `${+value.toPrecision(3)}`,
      };
    }
    return { label, grid: true, nice: true, ...(label.startsWith('LBO') ? {} : { zero: true }) };
  }

  /** A floor has a name of its own and no colour; a dashed line of a row has the row's colour. */
  function stylesOf(lines) {
    const places = placesOf(lines.map(({ name }) => rowNames.indexOf(plainName(name))).filter((index) => index >= 0));
    return ({ name, dashed }) => {
      const place = places.get(rowNames.indexOf(plainName(name)));
      if (place === undefined) return { stroke: 'currentColor', dash: '2 4', symbol: undefined };
      // One symbol further for each round of colours: a pair comes again after a hundred rows, a symbol with a dash after so many.
      const round = Math.floor(place / LIGHT.length);
      return {
        stroke: (scheme.matches ? DARK : LIGHT)[place % LIGHT.length],
        dash: dashed ? '5 4' : DASHES[round % DASHES.length],
        symbol: dashed ? undefined : SYMBOLS[(place + round) % SYMBOLS.length],
      };
    };
  }

  /** A row's own place among the colours, unless another row of the plot has it and one is free. */
  function placesOf(indices) {
    const places = new Map();
    for (const index of indices) {
      if (places.has(index)) continue;
      const taken = new Set(places.values());
      const free = d3
        .range(PLACES)
        .map((step) => (index + step) % PLACES)
        .find((place) => !taken.has(place));
      places.set(index, free ?? index % PLACES);
    }
    return places;
  }

  function curve(plot, width) {
    const style = stylesOf(plot.lines);
    const all = plot.lines.flatMap(({ points }) => points);
    const marks = plot.lines.flatMap((line) => {
      const { stroke, dash, symbol } = style(line);
      const data = line.points.map(([x, y, low, high]) => ({ x, y, low, high, name: line.name }));
      const every = data.length <= FEW_POINTS ? 1 : Math.ceil(data.length / SYMBOLS_A_LINE);
      const marked = symbol === undefined ? [] : data.filter((_, i) => i % every === 0);
      return [
        ...(data.length > 1 ? [Plot.line(data, { x: 'x', y: 'y', stroke, strokeWidth: symbol ? 2 : 1.4, strokeDasharray: dash })] : []),
        ...(data.some(({ low }) => low !== undefined)
          ? [Plot.ruleX(data, { x: 'x', y1: 'low', y2: 'high', stroke, strokeWidth: 1.5, strokeOpacity: 0.6 })]
          : []),
        ...(marked.length > 0 ? [Plot.dot(marked, { x: 'x', y: 'y', fill: stroke, symbol, r: 3.5 })] : []),
      ];
    });
    const named = plot.lines.flatMap(({ name, points }) => points.map(([x, y]) => ({ x, y, name })));
    const xText = plot.x.scale === 'percentile' ? percentileText : (x) => `${+x.toPrecision(4)}`;
    const yText = plot.y.scale === 'share' ? d3.format('.1%') : /, ms$/.test(plot.y.label) ? msText : (y) => `${+y.toPrecision(4)}`;
    const tip = Plot.tip(
      named,
      Plot.pointer({ x: 'x', y: 'y', title: ({ x, y, name }) => `${name}\n${plot.x.label}: ${xText(x)}\n${yText(y)}` }),
    );
    return Plot.plot({
      width,
      height: HEIGHT,
      marginLeft: 64,
      marginBottom: 40,
      x: scaleOf(
        plot.x,
        all.map(([x]) => x),
      ),
      y: scaleOf(
        plot.y,
        all.map(([, y]) => y),
      ),
      marks: [...marks, tip],
      style: { fontSize: '12px', background: 'none' },
    });
  }

  function heat(plot, width) {
    const data = plot.cells.map(([from, under, count]) => ({ x1: from, x2: from + plot.binMs, y1: under / 2, y2: under, count }));
    const ramp = scheme.matches
      ? (share) => d3.interpolateInferno(0.3 + 0.7 * share)
      : (share) => d3.interpolateYlOrRd(0.15 + 0.85 * share);
    return Plot.plot({
      width,
      height: HEIGHT,
      marginLeft: 64,
      marginBottom: 40,
      x: {
        label: 'ms since the flip',
        domain: [
          -2,
          Math.max(
            8,
            d3.max(data, ({ x2 }) => x2),
          ),
        ],
      },
      y: {
        type: 'log',
        base: 2,
        label: 'length of the fault',
        tickFormat: (us) => msText(us / 1000),
        ticks: [...new Set(data.flatMap(({ y1, y2 }) => [y1, y2]))],
        grid: true,
      },
      color: {
        type: 'log',
        interpolate: ramp,
        label: 'faults a flip',
        legend: true,
        tickFormat: '~r',
        ticks: 4,
      },
      marks: [
        Plot.rect(data, { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', fill: 'count', inset: 0.3 }),
        Plot.ruleX([0], { strokeDasharray: '4 3' }),
        Plot.tip(
          data,
          Plot.pointer({
            x: ({ x1, x2 }) => (x1 + x2) / 2,
            y: ({ y1, y2 }) => Math.sqrt(y1 * y2),
            title: ({ x1, x2, y2, count }) => `${x1} to ${x2} ms\nunder ${msText(y2 / 1000)}\n${+count.toPrecision(3)} faults a flip`,
          }),
        ),
      ],
      style: { fontSize: '12px', background: 'none' },
    });
  }

  function legend({ lines }) {
    const style = stylesOf(lines);
    const list = d3.create('ul').attr('class', 'legend');
    for (const line of lines) {
      if (line.dashed && plainName(line.name) !== line.name) continue;
      const { stroke, dash, symbol } = style(line);
      const item = list.append('li');
      const key = item.append('svg').attr('width', 26).attr('height', 12).attr('viewBox', '0 0 26 12').attr('aria-hidden', 'true');
      key
        .append('line')
        .attr('x1', 0)
        .attr('x2', 26)
        .attr('y1', 6)
        .attr('y2', 6)
        .attr('stroke', stroke)
        .attr('stroke-width', 2)
        .attr('stroke-dasharray', dash ?? null);
      const shape = symbol && d3[`symbol${symbol[0].toUpperCase()}${symbol.slice(1)}`];
      if (shape)
        key
          .append('path')
          .attr('transform', 'translate(13,6)')
          .attr('d', d3.symbol(shape, 36)())
          .attr('fill', stroke)
          .attr('stroke', stroke);
      item.append('span').text(line.name);
    }
    return list.node();
  }

  function draw(figure) {
    const plot = plots[Number(figure.dataset.plot)];
    const host = figure.querySelector('.plot');
    const width = Math.max(320, host.clientWidth);
    const drawn = plot.kind === 'heat' ? heat(plot, width) : curve(plot, width);
    const svg = drawn.matches('svg') ? drawn : drawn.querySelector('svg:last-of-type');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `${plot.title}. The data is in the table below.`);
    host.replaceChildren(...(plot.kind === 'curve' ? [legend(plot)] : []), drawn);
  }

  const figures = [...document.querySelectorAll('figure[data-plot]')];
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries)
        if (isIntersecting) {
          seen.unobserve(target);
          draw(target);
          resized.observe(target);
        }
    },
    { rootMargin: '600px' },
  );
  const widths = new WeakMap();
  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const before = widths.get(target);
      widths.set(target, contentRect.width);
      if (before !== undefined && before !== contentRect.width) draw(target);
    }
  });
  for (const figure of figures) seen.observe(figure);
  scheme.addEventListener('change', () => figures.filter((figure) => widths.has(figure)).forEach(draw));
  window.addEventListener('beforeprint', () => figures.forEach(draw));

  const workload = document.getElementById('workload');
  const heap = document.getElementById('heap');
  const choose = () => {
    const differs = (select, value) => select !== null && select.value !== '' && value !== undefined && value !== select.value;
    for (const figure of figures) figure.hidden = differs(workload, figure.dataset.workload) || differs(heap, figure.dataset.heap);
  };
  if (heap !== null && figures.length > MANY_FIGURES) {
    const factors = [...heap.options].map(({ value }) => value).filter((value) => value.endsWith('×'));
    if (factors.length > 0) heap.value = d3.least(factors, (value) => Math.abs(parseFloat(value) - 2));
  }
  for (const select of [workload, heap]) select?.addEventListener('change', choose);
  choose();
})();
