"""The four-stage recogniser of the scene-text benchmark and of AttentionHTR; see `network.Trba`."""

from scriven.recognisers.trba.network import Trba as Trba
