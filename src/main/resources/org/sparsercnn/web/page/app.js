'use strict';

const $ = (id) => document.getElementById(id);

const LOWEST_SCORE = 0.01; // all that the slider can show comes with one request
const TRIES_WHEN_BUSY = 3;
const STAGES = [['read', 'receive'], ['decode', 'decode'], ['preprocess', 'resize'], ['queue', 'wait'], ['forward', 'network'], ['postprocess', 'boxes']];

/** The server's answer for the picture that is shown, its file's name, and the classes that are switched off. */
let answer = null;
let fileName = '';
const off = new Set();
let colors = new Map(); // by category id
let running = null; // aborts the request under way
let shown = null; // address of the picture shown
let stream = null;

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

async function reasonOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answered ${response.status}`;
  }
}

async function describeModel() {
  try {
    const response = await fetch('v1/model');
    const model = await response.json();
    $('model').textContent = `${model.name} · ${model.categories.length === 1 ? 'one class' : `${model.categories.length} classes`} · ${model.device}`;
    colors = new Map(model.categories.map((category, i) => [category.id, i]));
  } catch {
    say('The server does not answer.', true);
  }
}

function colorOf(id) {
  if (!colors.has(id)) {
    colors.set(id, colors.size);
  }
  return colors.get(id);
}

/** Shows the picture and asks the server what is in it. */
async function detect(blob, name) {
  running?.abort();
  const request = running = new AbortController();
  closeCamera();
  fileName = name;
  answer = null;
  const address = URL.createObjectURL(blob);
  const photo = $('photo');
  $('view').removeAttribute('style');
  photo.src = address;
  photo.alt = name;
  if (shown) {
    URL.revokeObjectURL(shown);
  }
  shown = address;
  $('overlay').replaceChildren();
  $('stage').classList.remove('empty');
  $('invitation').hidden = true;
  $('view').hidden = false;
  $('view').classList.add('busy');
  say(`Looking at ${name} …`);
  const began = performance.now();
  try {
    const [response] = await Promise.all([ask(blob, request.signal), photo.decode().catch(() => {})]);
    if (!response.ok) {
      throw new Error(await reasonOf(response));
    }
    const found = await response.json();
    if (request !== running) {
      return;
    }
    found.detections.forEach((object, i) => Object.assign(object, {index: i, color: colorOf(object.category_id)}));
    answer = found;
    arrive(performance.now() - began);
  } catch (e) {
    if (request === running) {
      $('results').hidden = true;
      say(e instanceof TypeError ? 'The server does not answer.' : `${name}: ${e.message}`, true);
    }
  } finally {
    if (request === running) {
      $('view').classList.remove('busy');
    }
  }
}

/** A busy server says when to come again. */
async function ask(blob, signal) {
  for (let tries = 1; ; tries++) {
    const response = await fetch(`v1/detect?threshold=${LOWEST_SCORE}`, {method: 'POST', body: blob, signal,
      headers: {'Content-Type': blob.type || 'application/octet-stream'}});
    if (response.status !== 503 || tries === TRIES_WHEN_BUSY) {
      return response;
    }
    const seconds = Number(response.headers.get('Retry-After')) || 1;
    say(`The server is busy; trying again in ${seconds} s …`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    signal.throwIfAborted();
  }
}

function arrive(milliseconds) {
  const {width, height} = answer.image;
  const photo = $('photo');
  const unknown = photo.naturalWidth === 0; // a kind of picture that the server reads and the browser does not
  $('view').classList.toggle('blank', unknown);
  const enlarged = Math.max(1, Math.floor(480 / Math.max(width, height)));
  $('view').style.width = `min(100%, ${width * enlarged}px, ${78 * width / height}vh)`;
  $('view').style.aspectRatio = `${width} / ${height}`;
  $('view').classList.toggle('small', enlarged > 1);
  $('results').hidden = false;
  listClasses();
  listTimes(milliseconds);
  draw();
  say(unknown ? `${fileName}: your browser cannot show this kind of picture; the boxes are right all the same.` : '');
}

/** What the slider and the classes let through, best first. */
function visible() {
  const threshold = Number($('threshold').value);
  return answer.detections.filter((object) => object.score >= threshold && !off.has(object.category_id));
}

function draw() {
  $('threshold-value').textContent = Number($('threshold').value).toFixed(2);
  if (!answer) {
    return;
  }
  const objects = visible();
  const {width, height} = answer.image;
  Overlay.show($('overlay'), objects, width, height, $('photo').clientWidth);
  $('overlay').setAttribute('aria-label', objects.length === 0 ? 'No objects' : objects.map((o) => `${o.category_name} ${Math.round(100 * o.score)}%`).join(', '));
  $('count').textContent = objects.length === 1 ? '1 object' : `${objects.length} objects`;
  $('objects').tBodies[0].replaceChildren(...objects.map(row));
  countClasses();
}

function swatch(index) {
  const made = document.createElement('span');
  made.className = 'swatch';
  made.style.background = Overlay.color(index);
  return made;
}

function row(object) {
  const tr = document.createElement('tr');
  tr.tabIndex = 0;
  tr.dataset.index = object.index;
  const texts = [object.category_name, object.score.toFixed(3), object.bbox.map(Math.round).join(', ')];
  tr.append(...texts.map((text) => {
    const td = document.createElement('td');
    td.textContent = text;
    return td;
  }));
  tr.firstChild.prepend(swatch(object.color));
  return tr;
}

/** The object under the pointer or the keyboard's focus stands out in list and picture. */
function choose(index) {
  for (const e of document.querySelectorAll('#overlay g, #objects tbody tr')) {
    e.classList.toggle('chosen', e.dataset.index === index);
  }
  $('overlay').classList.toggle('chosen', index !== undefined);
}

function listClasses() {
  const names = new Map();
  answer.detections.forEach((object) => names.set(object.category_id, object.category_name));
  $('class-list').replaceChildren(...[...names].map(([id, name]) => {
    const label = document.createElement('label');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = !off.has(id);
    box.value = id;
    const count = document.createElement('span');
    count.dataset.count = id;
    label.append(box, swatch(colorOf(id)), name, count);
    return label;
  }));
}

function countClasses() {
  const threshold = Number($('threshold').value);
  for (const span of $('class-list').querySelectorAll('[data-count]')) {
    const count = answer.detections.filter((object) => object.score >= threshold && String(object.category_id) === span.dataset.count).length;
    span.textContent = `(${count})`;
    span.parentNode.style.opacity = count === 0 ? 0.55 : 1;
  }
}

function listTimes(milliseconds) {
  const times = answer.times_ms;
  const parts = STAGES.filter(([key]) => times[key] !== undefined).map(([key, name], i) => [name, times[key], Overlay.color(i)]);
  $('time-bar').replaceChildren(...parts.map(([, ms, color]) => {
    const part = document.createElement('span');
    part.style.flex = `${ms} 0 0`;
    part.style.background = color;
    return part;
  }));
  const rows = [...parts, ['all, at the server', times.total], ['all, seen from here', milliseconds]];
  $('times').replaceChildren(...rows.flatMap(([name, ms, color]) => {
    const dt = document.createElement('dt');
    if (color) {
      const spot = swatch(0);
      spot.style.background = color;
      dt.append(spot);
    }
    dt.append(name);
    const dd = document.createElement('dd');
    dd.textContent = `${ms.toFixed(1)} ms`;
    return [dt, dd];
  }));
}

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function stem() {
  return fileName.replace(/\.[^.]*$/, '') || 'picture';
}

function saveJson() {
  const detections = visible().map(({category_id, category_name, bbox, score}) => ({category_id, category_name, bbox, score}));
  const kept = {file_name: fileName, image: answer.image, model: answer.model, threshold: Number($('threshold').value), detections};
  save(new Blob([`${JSON.stringify(kept, null, 2)}\n`], {type: 'application/json'}), `${stem()}.json`);
}

function savePng() {
  const photo = $('photo').naturalWidth === 0 ? null : $('photo');
  const {width, height} = answer.image;
  Overlay.paint(photo, visible(), width, height).toBlob((blob) => save(blob, `${stem()}-objects.png`), 'image/png');
}

async function openCamera() {
  if (!navigator.mediaDevices) {
    say('Browsers allow the camera on this machine or over HTTPS only.', true);
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
  } catch (e) {
    say(`The camera cannot be used: ${e.message}`, true);
    return;
  }
  $('video').srcObject = stream;
  await $('video').play();
  toggleCamera(true);
  say('');
  $('camera-take').focus();
}

function toggleCamera(open) {
  $('camera').hidden = !open;
  $('camera-take').hidden = !open;
  $('camera-close').hidden = !open;
  $('camera-open').hidden = open;
  $('view').hidden = open || shown === null;
  $('invitation').hidden = open || shown !== null;
  $('results').hidden = open || answer === null;
}

function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $('video').srcObject = null;
  toggleCamera(false);
}

function takePicture() {
  const video = $('video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  canvas.toBlob((blob) => detect(blob, 'camera.jpg'), 'image/jpeg', 0.95);
}

/** The first picture among files that were dropped, pasted or chosen. */
function take(files) {
  const picture = [...files].find((file) => file.type.startsWith('image/')) || files[0];
  if (picture) {
    detect(picture, picture.name || 'picture');
  }
}

$('file').addEventListener('change', () => {
  take($('file').files);
  $('file').value = ''; // the same file again is a new request
});
document.addEventListener('paste', (e) => {
  if (e.clipboardData.files.length > 0) {
    e.preventDefault();
    take(e.clipboardData.files);
  }
});
document.addEventListener('dragover', (e) => {
  e.preventDefault();
  $('stage').classList.add('over');
});
document.addEventListener('dragleave', (e) => {
  if (e.relatedTarget === null) {
    $('stage').classList.remove('over');
  }
});
document.addEventListener('drop', (e) => {
  e.preventDefault();
  $('stage').classList.remove('over');
  if (e.dataTransfer.files.length > 0) {
    take(e.dataTransfer.files);
  } else {
    say('That is no file; drop a picture from this machine.', true);
  }
});
$('threshold').addEventListener('input', draw);
$('class-list').addEventListener('change', (e) => {
  const id = Number(e.target.value);
  if (e.target.checked) {
    off.delete(id);
  } else {
    off.add(id);
  }
  draw();
});
$('all').addEventListener('click', () => {
  off.clear();
  listClasses();
  draw();
});
$('none').addEventListener('click', () => {
  answer.detections.forEach((object) => off.add(object.category_id));
  listClasses();
  draw();
});
for (const [on, out] of [['pointerover', 'pointerout'], ['focusin', 'focusout']]) {
  for (const area of [$('objects'), $('overlay')]) {
    area.addEventListener(on, (e) => choose(e.target.closest('[data-index]')?.dataset.index));
    area.addEventListener(out, () => choose(undefined));
  }
}
$('save-json').addEventListener('click', saveJson);
$('save-png').addEventListener('click', savePng);
$('camera-open').addEventListener('click', openCamera);
$('camera-close').addEventListener('click', closeCamera);
$('camera-take').addEventListener('click', takePicture);
new ResizeObserver(draw).observe($('photo'));
describeModel();
