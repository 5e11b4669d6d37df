"""Why a job failed, in the words of somebody who helps: what it means and what to try."""

from collections.abc import Mapping
from dataclasses import dataclass

from openccp.core.job import Failure


@dataclass(frozen=True, slots=True)
class Explanation:
    """`title` says what happened, `means` what that is, `advice` what to try first, and then."""

    title: str
    means: str
    advice: tuple[str, ...]


_LAST_LINES = "Read the last lines of its log: programs say there what they missed."
_TRY_AGAIN = "Run it again: nothing in your inputs is wrong."
_ASK_AUTHOR = "Tell the author of the method."
_ASK_OPERATOR = "If it happens again, tell the people who run this platform, with the job's id."
_SMALLER = "Try with less input, to see how much it needs."

_PROGRAM_MISSING = Explanation(
    "A program was not found",
    "The script calls a program that its runtime does not have (exit code 127).",
    ("Look for a misspelt name in the script.", "Let the deploy script install it, or choose a "
     "runtime that has it."),
)  # fmt: skip
_NOT_EXECUTABLE = Explanation(
    "A program could not be executed",
    "The script calls a file that is no program, or is not allowed to run (exit code 126).",
    ("Make the file executable in the deploy script, or call its interpreter.", _ASK_AUTHOR),
)
_EXPLAINED: Mapping[str, Explanation] = {
    "exit": Explanation(
        "The method's script ended with an error",
        "A program of the method stopped and said so by its exit code.",
        (_LAST_LINES, "Check the inputs: change them and run again.", _ASK_AUTHOR),
    ),
    "signal": Explanation(
        "A program of the method crashed",
        "The system ended it by a signal: it touched memory that is not its own, or ended itself.",
        (_LAST_LINES, "Check the inputs: damaged files make programs crash.", _ASK_AUTHOR),
    ),
    "deploy-exit": Explanation(
        "The method could not be prepared",
        "Its deploy script, which installs what the method needs, ended with an error; the method "
        "itself did not begin.",
        (_LAST_LINES, "If it downloads packages, try again later.", _ASK_AUTHOR),
    ),
    "deploy-ended-early": Explanation(
        "The deploy script left too early",
        "It called `exit`, so that the execute script never began.",
        ("Take `exit` out of the deploy script.", _ASK_AUTHOR),
    ),
    "memory": Explanation(
        "It ran out of memory",
        "It wanted more memory than a job may have here, and the system ended it.",
        (_SMALLER, "Run it on an infrastructure with a higher limit.", _ASK_AUTHOR),
    ),
    "pids": Explanation(
        "It started too many processes",
        "A job may have so many processes at a time, and a new one was refused.",
        ("Let it use fewer workers or threads.", _ASK_AUTHOR),
    ),
    "log": Explanation(
        "It wrote too much to its log",
        "What it wrote beyond the limit is not kept.",
        ("Switch off its verbose output, or write it into a file of /ccp_data.", _ASK_AUTHOR),
    ),
    "disk": Explanation(
        "It wrote too much data",
        "The files in /ccp_data and its home are larger than a job may have here.",
        ("Delete intermediate files while it runs, or compress them.", _SMALLER),
    ),
    "files": Explanation(
        "It made too many files",
        "There are more files in /ccp_data than a job may have here.",
        ("Pack small files into one archive.", _SMALLER),
    ),
    "time": Explanation(
        "It ran out of time",
        "It ran longer than it may, and was ended. What it had written is kept.",
        (_SMALLER, "Give it more time (`ccpmaxtime`) if the infrastructure allows more.",
         "Look in its log whether it waited for something that never came."),
    ),
    "missing-output": Explanation(
        "It ended well, but an output is missing",
        "The method promises an output that it did not write. The files that it did write are in "
        "its record.",
        ("Compare the names of the files with what the output is called.", _ASK_AUTHOR),
    ),
    "output": Explanation(
        "Its results are too large to keep",
        "What it left in /ccp_data is more than is kept of a job.",
        ("Write less, or compress it.", _SMALLER),
    ),
    "lost": Explanation(
        "The place where it ran lost it",
        "Its processes ended and nobody saw how: a machine was restarted, or went down.",
        (_TRY_AGAIN, _ASK_OPERATOR),
    ),
    "killed": Explanation(
        "Somebody ended its processes",
        "They were ended from outside the job, by hand or by the machine.",
        (_TRY_AGAIN, _ASK_OPERATOR),
    ),
    "start": Explanation(
        "It could not be started",
        "The infrastructure refused to start it, or its sandbox did not come up.",
        (_TRY_AGAIN, "Run it on another infrastructure.", _ASK_OPERATOR),
    ),
    "files-lost": Explanation(
        "Its files are gone",
        "It ended, but its folder was not there any more when its results were to be kept.",
        (_TRY_AGAIN, _ASK_OPERATOR),
    ),
    "internal": Explanation(
        "The platform could not go on with it",
        "Something is wrong with the platform or its record of this job, not with the inputs.",
        (_ASK_OPERATOR,),
    ),
    "image-missing": Explanation(
        "Its image does not exist",
        "The registry has no image of this name and tag.",
        ("Look for a misspelling in the runtime's name.", _ASK_AUTHOR),
    ),
    "image-refused": Explanation(
        "Its image was refused",
        "The registry does not give the image to this platform.",
        ("Look for a misspelling in the runtime's name.", "Ask the operator to set the registry's "
         "user name and password."),
    ),
    "image-rate-limited": Explanation(
        "The registry is asked too often",
        "It gives out only so many images in an hour.",
        ("Run it again in an hour.", _ASK_OPERATOR),
    ),
    "image-disk-full": Explanation(
        "There is no room for its image",
        "The disk of the machine that runs containers is full.",
        (_ASK_OPERATOR, "Run it on another infrastructure."),
    ),
    "image-architecture": Explanation(
        "Its image is made for another processor",
        "The machine here cannot run programs for that kind of processor.",
        ("Choose an image for this machine's processor.", _ASK_AUTHOR),
    ),
    "image-unreachable": Explanation(
        "The registry of its image does not answer",
        "The network or the registry is down.",
        ("Run it again later.", _ASK_OPERATOR),
    ),
    "image-slow": Explanation(
        "Its image did not come in time",
        "Downloading it took longer than is waited for.",
        ("Run it again: what has come is kept.", "Choose a smaller image."),
    ),
    "image-no-shell": Explanation(
        "Its image has no shell",
        "Scripts need /bin/sh in the image.",
        ("Choose an image with a shell.", _ASK_AUTHOR),
    ),
}  # fmt: skip
_BY_CODE: Mapping[tuple[str, int | None], Explanation] = {
    ("exit", 126): _NOT_EXECUTABLE,
    ("exit", 127): _PROGRAM_MISSING,
}
_BY_BLAME: Mapping[str, Explanation] = {
    "input": Explanation(
        "Its inputs do not fit",
        "Something in the inputs could not be used.",
        ("Change the inputs and run again.",),
    ),
    "method": _EXPLAINED["exit"],
    "limit": Explanation(
        "It reached a limit", "A job may use only so much here.", (_SMALLER, _ASK_OPERATOR)
    ),
    "platform": Explanation(
        "The platform or the place where it ran failed",
        "It was nothing in your inputs.",
        (_TRY_AGAIN, _ASK_OPERATOR),
    ),
}


EXPLANATIONS = tuple(dict.fromkeys([*_EXPLAINED.values(), *_BY_CODE.values(), *_BY_BLAME.values()]))
"""All of them, for those who translate."""


def explain(failure: Failure) -> Explanation:
    """The words for a failure; for a reason that is not known, those for who is to blame."""
    exact = _BY_CODE.get((failure.reason, failure.exit_code))
    return exact or _EXPLAINED.get(failure.reason) or _BY_BLAME[failure.blame.value]
