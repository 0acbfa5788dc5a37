// The flow page's chart: what each service takes a second.
"use strict";

(() => {
  const kept = 300;
  const colours = ["--b0", "--b1", "--b3", "--link"];
  const data = [[], [], [], [], []];
  let chart;

  const begin = (names) => {
    const of = (name) => getComputedStyle(document.body).getPropertyValue(name);
    const box = document.getElementById("chart");
    const axis = (label) => ({ label, stroke: of("--quiet"), grid: { stroke: of("--rule") } });
    document.getElementById("live").hidden = false;
    const clock = (_, all) => all.map((each) => new Date(each * 1000).toISOString().slice(11, 16));
    chart = new uPlot({
      width: box.clientWidth, height: 220, axes: [{ ...axis(box.dataset.across), values: clock }, axis(box.dataset.up)], legend: { live: false },
      scales: { x: { range: (_, low, high) => [high - 600, high] }, y: { range: (_, low, high) => [0, Math.max(high, 1)] } },
      series: [{}, ...names.map((label, place) => ({ label, stroke: of(colours[place]), width: 2 }))],
    }, data, box);
  };

  document.getElementById("numbers").addEventListener("flow", (event) => {
    const said = JSON.parse(event.detail.data);
    data[0].push(Date.parse(said.read_to.time) / 1000);
    said.data.forEach((row, place) => data[place + 1].push(row.per_second));
    data.forEach((each) => each.splice(0, each.length - kept));
    if (!chart) begin([...document.querySelectorAll("#numbers thead th")].map((th) => th.textContent));
    chart.setData(data);
  });
})();
