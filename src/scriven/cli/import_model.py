"""scriven import-model FILE -o MODEL"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, Out, show


def import_model(
    file: Annotated[Path, typer.Argument(help="Weight file (.pth, .pt) of another program, or a session folder.")],
    out: Out,
    chars: Annotated[
        str, typer.Option(help="Its characters in the order of its classes, or a collection of StackMix: iam, ...")
    ] = "",
    name: Annotated[str, typer.Option(help="Name of the model, for its card.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "",
    autoencoder: Annotated[str, typer.Option(help="Folder `vae` of Stable Diffusion, of WordStylist alone.")] = "",
    json: Json = False,
) -> None:
    """Convert the published weights of another program to a model folder.

    AttentionHTR and deep-text-recognition-benchmark (.pth), StackMix-OCR (.pt), the label-free HTR learner
    (checkpoint.pt, or its session folder), WordStylist and DiffusionHTR (ema_ckpt.pt), which become a scribe. Only
    tensors are read; code in a file is never run.

    Examples:

        scriven import-model AttentionHTR-General-sensitive.pth -o attentionhtr
        scriven import-model best_cer.pt -o stackmix-iam --chars iam
        scriven import-model session -o lafhtr
        scriven import-model models/ema_ckpt.pt -o wordstylist --autoencoder stable-diffusion/vae
    """
    from scriven.jobs import import_model as job

    done = job.import_model(file, out, characters=chars, name=name, licence=licence, autoencoder=autoencoder)
    info, assumed = done.info, done.characters.assumed
    data = {"model": str(done.folder), "file": str(done.file), "published": done.published, "network": info.network}
    text = f"{done.folder}: {done.file}, {done.sentence()}\nNext: {done.next}"
    show(text, {**data, "characters": "".join(info.charset), "assumed": assumed}, json)
