"""What `golf` can do: each command's words, the function behind it, and its line in the list.

Data alone: a call of `golf` imports the module of its own command and no other, so start-up does not grow with it.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """Where a command is, and its line in `golf --help`."""

    module: str
    function: str
    line: str


COMMANDS = {
    "measure": Command("golfkit.measure.command", "measure", "Does the artifact fit its limit?"),
    "compress": Command("golfkit.compress.command", "compress", "Compress a file into a scored artifact folder."),
    "decompress": Command("golfkit.compress.command", "decompress", "Restore a file from its archive."),
    "roundtrip": Command("golfkit.compress.command_roundtrip", "run", "Certify an artifact: restore it in a sandbox."),
    "bench": Command("golfkit.compress.command_bench", "run", "Rank every codec and peer on the same bytes."),
    "idea cost": Command("golfkit.compress.command_idea", "cost", "What a changed model costs on a file."),
    "idea ablate": Command("golfkit.compress.command_idea", "ablate", "What is each line of a model worth?"),
    "idea curve": Command(
        "golfkit.compress.command_idea", "curve", "What a part of a model gains, megabyte by megabyte."
    ),
    "idea search": Command("golfkit.compress.command_idea", "search", "Find better constants for a model."),
    "init": Command("golfkit.train.command_init", "init", "Make a workspace: settings, model, instructions, ledger."),
    "train-local": Command("golfkit.train.command_train", "run", "Train here, score the artifact, record the try."),
    "data enwik8": Command("golfkit.train.command_data", "enwik8", "Fetch and check enwik8."),
    "data fineweb": Command("golfkit.train.command_data", "fineweb", "Fetch and check the contest's FineWeb shards."),
    "data inspect": Command("golfkit.train.command_data", "inspect", "Say what is in a shard or a folder of shards."),
    "data pack": Command("golfkit.train.command_pack", "pack", "Pack text into shards for training and validation."),
    "data tokenizer": Command("golfkit.train.command_pack", "tokenizer", "Train a tokenizer as the contest's."),
    "flatten": Command("golfkit.train.command_flatten", "run", "Write the model's single counted train_gpt.py."),
    "results show": Command("golfkit.train.command_results", "show", "List the tries, with baseline and noise."),
    "results best": Command("golfkit.train.command_results", "best", "The best kept row of each tier."),
    "results plot": Command("golfkit.train.command_results", "plot", "Draw the scores over time and against size."),
    "results correlation": Command(
        "golfkit.train.command_results", "correlation", "How far local scores predict the expensive tier."
    ),
    "promote": Command("golfkit.budget.command_promote", "run", "Run a local run on 8xH100, if every gate says yes."),
    "pods list": Command("golfkit.budget.command_pods", "show", "Rented pods, what they cost, what the provider says."),
    "pods reap": Command("golfkit.budget.command_pods", "reap_all", "End and book pods that nobody works on."),
    "results import": Command("golfkit.train.command_import", "run", "Read a training log and add its row."),
    "budget show": Command("golfkit.budget.command_budget", "show", "Show what is spent, held and left."),
    "budget set": Command("golfkit.budget.command_budget", "set_limits", "Set the total or the reserve."),
    "budget charge": Command("golfkit.budget.command_budget", "charge", "Book money that was spent."),
    "budget release": Command("golfkit.budget.command_budget", "release", "Close a reservation with no charge."),
    "budget recover": Command("golfkit.budget.command_budget", "recover", "Make a damaged book good again."),
    "record build": Command("golfkit.budget.command_record", "build", "Make the contest's folder from runs."),
    "record check": Command("golfkit.budget.command_record", "check", "Would the contest take this record folder?"),
    "research": Command("golfkit.research.command_research", "research", "Fetch what is new from seven sources."),
    "competitors": Command(
        "golfkit.research.command_competitors", "competitors", "What do others score, and how sure is that?"
    ),
    "grade": Command("golfkit.research.command_grade", "grade", "Which findings are worth a try here?"),
    "verify": Command("golfkit.research.command_verify", "verify", "Read the best findings in full and judge again."),
    "inject": Command("golfkit.research.command_inject", "inject", "Write what is known into program.md."),
    "frontier": Command("golfkit.research.command_frontier", "frontier", "Which techniques are untried?"),
    "calibrate": Command("golfkit.research.command_calibrate", "calibrate", "Do grades predict outcomes?"),
    "board info": Command("golfkit.board.command_messages", "info", "Count the messages; name the latest."),
    "board list": Command("golfkit.board.command_messages", "show", "List the files of messages."),
    "board read": Command("golfkit.board.command_messages", "read", "Read messages."),
    "board post": Command("golfkit.board.command_messages", "post", "Post a message."),
    "board claim": Command("golfkit.board.command_messages", "claim", "Claim a topic for some hours."),
    "board claims": Command("golfkit.board.command_messages", "held", "List what is claimed, by whom, until when."),
    "board search": Command("golfkit.board.command_messages", "search", "Find messages, results and agents by words."),
    "board thread": Command("golfkit.board.command_messages", "thread", "Show a whole conversation."),
    "board digest": Command("golfkit.board.command_messages", "digest_", "The board in so many characters."),
    "board result info": Command("golfkit.board.command_results", "info", "Count the results; name the latest."),
    "board result list": Command("golfkit.board.command_results", "show", "List the files of results."),
    "board result read": Command("golfkit.board.command_results", "read", "Read results."),
    "board result post": Command(
        "golfkit.board.command_results", "post", "Post a result, by hand or from an artifact."
    ),
    "board result verdict": Command("golfkit.board.command_results", "verdict", "Say whether another's result holds."),
    "board agent info": Command("golfkit.board.command_agents", "info", "Count the agents; name the last."),
    "board agent list": Command("golfkit.board.command_agents", "show", "List the files of agents."),
    "board agent read": Command("golfkit.board.command_agents", "read", "Read who the agents are."),
    "board agent register": Command("golfkit.board.command_agents", "register", "Register your agent id."),
    "board artifact upload": Command("golfkit.board.command_board", "upload", "Put an artifact folder on the board."),
    "board artifact get": Command("golfkit.board.command_board", "get", "Copy an artifact from the board."),
    "board sync": Command("golfkit.board.command_board", "sync", "Mirror a bucket and a folder; send the outbox."),
    "board render": Command("golfkit.board.command_render", "page", "Write the board as one static page."),
    "board serve": Command("golfkit.board.command_render", "show", "Serve the page on 127.0.0.1."),
    "board doctor": Command("golfkit.board.command_board", "doctor", "Find what is broken, and how to mend it."),
}
GROUPS = {
    "idea": "Changes of a compressor's model, measured: cost, ablate, curve, search.",
    "data": "Fetch, make and check the contests' inputs.",
    "pods": "Rented machines: list, reap.",
    "results": "What the runs gave: show, best, plot, correlation, import.",
    "budget": "What may be spent on rented machines: show, set, charge, release, recover.",
    "record": "The contest's record folder: build, check.",
    "board": "The collaboration board: messages, results, agents, a page.",
    "board result": "Outcomes: info, list, read, post, verdict.",
    "board agent": "Who takes part: info, list, read, register.",
    "board artifact": "Folders of artifacts: upload, get.",
}
