"""What processes of ours are given of the environment and of memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from e2lm_core.base import processes

SECRETS = {
    "HF_TOKEN": "hf_x",
    "HUGGING_FACE_HUB_TOKEN": "hf_y",
    "OAUTH_CLIENT_SECRET": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "STREAMLIT_SERVER_COOKIE_SECRET": "x",
    "DATABASE_URL": "x",
    "E2LM_SOME_TOKEN": "x",
    "HF_HUB_TOKEN": "x",
    "ANYTHING": "x",
}
NEEDED = {
    "PATH": "/bin",
    "HOME": "/h",
    "LC_ALL": "C",
    "E2LM_HOME": "/e",
    "OMP_NUM_THREADS": "2",
    "PYTHONPATH": "/p",
}
WAYS = {"HTTPS_PROXY": "http://p", "SSL_CERT_FILE": "/c", "HF_HUB_CACHE": "/d"}


def test_a_process_that_computes_gets_no_secret():
    assert processes.subprocess_environment(env=SECRETS | NEEDED | {"HTTPS_PROXY": "x"}) == NEEDED


def test_one_that_downloads_gets_the_way_there_and_the_token_only_where_it_may():
    given = processes.subprocess_environment(with_network=True, env=SECRETS | NEEDED | WAYS)
    assert given == NEEDED | WAYS
    with_token = processes.subprocess_environment(
        with_network=True, with_token=True, env=SECRETS | NEEDED | WAYS
    )
    assert set(with_token) - set(given) == set(processes.TOKENS)


def test_what_is_left_is_enough_to_run_the_studio():
    code = "import e2lm_core.base.settings, os; print('ANYTHING' in os.environ)"
    env = processes.subprocess_environment(env=os.environ | SECRETS)
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True) == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says so in /proc")
def test_memory_is_what_is_there_and_what_is_taken():
    there, before = processes.total_memory_bytes(), processes.used_memory_bytes()
    assert there is not None
    assert before is not None
    held = bytearray(os.urandom(1) * 2**25)
    taken = processes.used_memory_bytes()
    assert taken is not None
    assert 2**24 < taken - before < 2**26
    assert taken < there
    assert len(held) == 2**25


def test_time_that_others_took_for_this_process_counts():
    before = processes.cpu_seconds()
    processes.add_remote_cpu_seconds(5.0)
    assert 5.0 <= processes.cpu_seconds() - before < 6.0
    processes.add_remote_cpu_seconds(-5.0)
