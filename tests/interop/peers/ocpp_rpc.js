// Stations and central systems of npm's `ocpp-rpc`, for ocpp_rpc.py.
//
// Lines of JSON come in on stdin, {"id", "verb", ...}, and each is answered by one on stdout: {"id", "result"}
// or {"id", "error"}. What happens to a peer by itself is kept until it is asked for by `next`.

'use strict';

const readline = require('readline');
const { RPCClient, RPCServer, createRPCError } = require('ocpp-rpc');

const PEERS = [];

/** A client, a server, or what stands for a client at a server. */
class Peer {
    constructor(rpc) {
        this.rpc = rpc;
        this.number = PEERS.push(this) - 1;
        this.asked = [];
        this.withheld = [];
        this.happened = new Map();
        this.waiting = new Map();
    }

    /** Keep what happens under this name, as `plain` makes it of the arguments of the event. */
    keep(name, plain) {
        this.rpc.on(name, (...values) => this.put(name, plain(...values)));
    }

    put(name, value) {
        const waiter = this.list(this.waiting, name).shift();
        if (waiter) {
            waiter(value);
        } else {
            this.list(this.happened, name).push(value);
        }
    }

    next(name) {
        const values = this.list(this.happened, name);
        return values.length
            ? values.shift()
            : new Promise((resolve) => this.list(this.waiting, name).push(resolve));
    }

    list(lists, name) {
        if (!lists.has(name)) {
            lists.set(name, []);
        }
        return lists.get(name);
    }
}

/** A peer at one end of a link, which answers as it is told. */
function end(rpc, answers) {
    const peer = new Peer(rpc);
    const closing = ({ code, reason }) => ({ code, reason });
    peer.keep('close', closing);
    peer.keep('disconnect', closing);
    peer.keep('open', () => null);
    peer.keep('ping', () => null);
    peer.keep('badMessage', ({ error }) => plain(error));
    peer.keep('strictValidationFailure', ({ method, error, outbound, isCall }) => (
        { method, code: error.rpcErrorCode, outbound, isCall }
    ));
    for (const [action, answer] of Object.entries(answers)) {
        rpc.handle(action, ({ params }) => {
            peer.asked.push([action, params]);
            peer.put('asked', action);
            if (answer.refusal) {
                throw createRPCError(...answer.refusal);
            }
            return answer.withheld
                ? new Promise((resolve) => peer.withheld.push(() => resolve(answer.result)))
                : answer.result;
        });
    }
    return peer;
}

function plain(error) {
    return {
        name: error.constructor.name,
        code: error.rpcErrorCode ?? error.code ?? null,
        message: error.message,
        details: error.details ?? {},
    };
}

const VERBS = {
    async station({ options, answers }) {
        const peer = end(new RPCClient(options), answers);
        await peer.rpc.connect();
        return peer.number;
    },

    async csms({ options, answers, password }) {
        const peer = new Peer(new RPCServer(options));
        peer.rpc.on('client', (client) => peer.put('client', end(client, answers).number));
        if (password !== undefined) {
            peer.rpc.auth((accept, reject, handshake) => {
                const right = handshake.password?.toString('utf8') === password;
                return right ? accept() : reject(401);
            });
        }
        const server = await peer.rpc.listen(0, '127.0.0.1');
        return { number: peer.number, port: server.address().port };
    },

    call: ({ peer, action, payload, options }) => PEERS[peer].rpc.call(action, payload, options),

    /** A text as it is, past all that the library checks. */
    raw: ({ peer, text }) => PEERS[peer].rpc.sendRaw(text),

    /** At once, where the library has a timer, which ends the link unless the pong is there when it rings again. */
    ping: ({ peer }) => PEERS[peer].rpc._ws.ping(),

    next: ({ peer, name }) => PEERS[peer].next(name),
    asked: ({ peer }) => PEERS[peer].asked,
    protocol: ({ peer }) => PEERS[peer].rpc.protocol,

    /** Answer what was withheld. */
    release: ({ peer }) => PEERS[peer].withheld.splice(0).forEach((answer) => answer()),

    close: ({ peer, options }) => PEERS[peer].rpc.close(options),
};

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, verb, ...rest } = JSON.parse(line);
    let answer;
    try {
        answer = { id, result: (await VERBS[verb](rest)) ?? null };
    } catch (error) {
        answer = { id, error: plain(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}).on('close', () => process.exit());
