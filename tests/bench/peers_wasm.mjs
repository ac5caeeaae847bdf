// Bergamot's engine in WebAssembly for peers.py: node peers_wasm.mjs PACKAGES MODEL
// PACKAGES holds node_modules/@browsermt/bergamot-translator. Jobs and answers are those of peers_engines.py. Outside a
// browser the engine has its own products of 8-bit matrices only, which are slower than Firefox'.
import {createInterface} from 'node:readline';
import {createRequire} from 'node:module';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

const [packages, folder] = process.argv.slice(2);
const engine = join(packages, 'node_modules', '@browsermt', 'bergamot-translator', 'worker', 'bergamot-translator-worker');
const products = ['PrepareA', 'PrepareB', 'PrepareBFromTransposed', 'PrepareBFromQuantizedTransposed', 'PrepareBias',
    'MultiplyAndAddBias', 'SelectColumnsOfB'];

const snake = name => 'int8' + name.replace(/[A-Z]/g, letter => '_' + letter.toLowerCase());

async function load() {
    const Module = {print: console.error, printErr: console.error};
    const ready = new Promise((done, failed) => {
        Module.onAbort = failed;
        Module.onRuntimeInitialized = done;
        Module.instantiateWasm = (imports, accept) => {
            const gemm = {};
            for (const name of products)
                gemm[snake(name)] = (...values) => Module.asm['int8' + name + 'Fallback'](...values);
            WebAssembly.instantiate(readFileSync(engine + '.wasm'), {...imports, wasm_gemm: gemm})
                .then(made => accept(made.instance), failed);
            return {};
        };
    });
    Object.assign(globalThis, {Module, self: globalThis, require: createRequire(import.meta.url)});
    (0, eval)(readFileSync(engine + '.js', 'utf-8'));
    await ready;
    return Module;
}

const Module = await load();

function memory(role, alignment) {
    const name = readdirSync(folder).find(one => one.startsWith(role + '.'));
    const bytes = name ? readFileSync(join(folder, name)) : Buffer.alloc(0);
    const held = new Module.AlignedMemory(bytes.length, alignment);
    if (bytes.length) held.getByteArrayView().set(bytes);
    return held;
}

const settings = {
    'beam-size': 1, normalize: 1.0, 'word-penalty': 0, 'max-length-break': 128, 'mini-batch-words': 1024,
    workspace: 128, 'max-length-factor': 2.0, 'skip-cost': true, 'cpu-threads': 0, quiet: true,
    'quiet-translation': true, 'gemm-precision': 'int8shiftAlphaAll', alignment: 'soft'};
const text = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`).join('');
const vocabularies = new Module.AlignedMemoryList();
vocabularies.push_back(memory('vocab', 64));
const model = new Module.TranslationModel(text, memory('model', 256), memory('lex', 64), vocabularies, null);
const service = new Module.BlockingService({cacheSize: 0});

function translate(line) {
    const lines = new Module.VectorString(), options = new Module.VectorResponseOptions();
    lines.push_back(line);
    options.push_back({qualityScores: false, alignment: false, html: false});
    const found = service.translate(model, lines, options).get(0).getTranslatedText();
    return found.split(/\s+/).filter(Boolean);
}

for await (const line of createInterface({input: process.stdin})) {
    const job = JSON.parse(line);
    const answer = {wall_ms: [], cpu_ms: [], tokens: 0, first: []};
    for (let turn = 0; turn < job.repeat; turn++) {
        const began = performance.now(), cpu = process.cpuUsage();
        const found = job.lines.map(translate);
        const used = process.cpuUsage(cpu);
        answer.wall_ms.push(performance.now() - began);
        answer.cpu_ms.push((used.user + used.system) / 1000);
        answer.tokens = found.reduce((sum, one) => sum + one.length, 0);
        answer.first = found[0];
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
}
process.exit(0);
