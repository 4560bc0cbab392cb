"use strict";
(() => {
  const stored = JSON.parse(document.getElementById("charts").textContent);
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const places = [...document.querySelectorAll("[data-chart]")];
  const views = new Map();
  let turn = 0;

  const theme = () => root.dataset.theme || (system.matches ? "dark" : "light");

  function choose(place) {
    const widths = Object.keys(stored.specs[place.dataset.chart]).map(Number).sort((a, b) => a - b);
    const fitting = widths.filter((width) => width <= place.clientWidth);
    return String(fitting.length ? fitting[fitting.length - 1] : widths[0]);
  }

  async function draw(place) {
    const width = choose(place);
    const wanted = `${width} ${theme()}`;
    if (views.get(place)?.wanted === wanted) return;
    const { spec, data } = stored.specs[place.dataset.chart][width];
    const datasets = Object.fromEntries(data.map((name) => [name, stored.datasets[name]]));
    const rows = Object.values(datasets).reduce((sum, some) => sum + some.length, 0);
    views.get(place)?.view?.finalize();
    const options = {
      config: stored.configs[theme()],
      renderer: rows > 4000 ? "canvas" : "svg",
      tooltip: { theme: theme() },
      actions: { export: true, source: false, compiled: false, editor: false },
    };
    try {
      const view = await window.vegaEmbed(place, { ...spec, datasets }, options);
      views.set(place, { wanted, view });
    } catch (error) {
      place.textContent = `This chart could not be drawn: ${error.message}`;
    }
  }

  async function drawAll() {
    const mine = ++turn;
    button.setAttribute("aria-pressed", String(theme() === "dark"));
    for (const place of places) {
      if (mine !== turn) return;
      await draw(place);
    }
    root.dataset.drawn = "all";
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    drawAll();
  });
  system.addEventListener("change", drawAll);
  let waiting;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  drawAll();
})();
