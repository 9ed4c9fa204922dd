"""What 4-using-it teaches: codes edited, packed, served, and trained on by two processes."""

import io
import json
import math
import socket
import threading
from importlib.util import find_spec

import pytest
import torch
from PIL import Image

from common.rangoli import Factors, all_factors, rangoli
from common.vqgan import (
    VQVAE,
    PictureServer,
    Quantizer,
    as_png,
    ask,
    bits_per_pixel,
    codes_of,
    expected_bits,
    jpeg_scan,
    launch,
    likeness,
    nearest_codes,
    packed,
    painted,
    partner_table,
    pictures_of,
    put_codes,
    read_wish,
    some_steps,
)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_codes(*shape: int, entries: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.randint(entries, shape, generator=dice(seed))


@pytest.fixture(scope="module")
def model() -> VQVAE:
    torch.manual_seed(0)
    quantizer = Quantizer(16, 8, kmeans=False)
    return VQVAE(width=16, quantizer=quantizer).eval().requires_grad_(False)


# --- codes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "height", "width"), [(1, 32, 32), (3, 8, 20)])
def test_codes_and_pictures_have_the_shapes_that_they_promise(model, count, height, width):
    pictures = torch.rand(count, 3, height, width, generator=dice())
    codes = codes_of(model, pictures)
    assert codes.shape == (count, height // 4, width // 4) and codes.dtype == torch.long
    back = pictures_of(model, codes)
    assert back.shape == pictures.shape and back.min() >= 0 and back.max() <= 1
    assert torch.equal(codes, model.encode(pictures * 2 - 1))  # 0…1 outside, −1…1 inside


def test_a_large_set_is_coded_as_its_parts_are(model):
    pictures = torch.rand(260, 3, 8, 8, generator=dice())
    codes = codes_of(model, pictures)
    assert torch.equal(codes[250:], codes_of(model, pictures[250:]))
    assert len(pictures_of(model, codes)) == 260


def test_codes_outside_the_mask_stay_and_those_inside_change():
    codes, new = some_codes(5, 8, 8), some_codes(5, 8, 8, seed=1)
    mask = torch.rand(8, 8, generator=dice(2)) < 0.3
    kept, edited = codes.clone(), put_codes(codes, mask, new)
    assert torch.equal(edited[:, ~mask], codes[:, ~mask])
    assert torch.equal(edited[:, mask], new[:, mask])
    assert torch.equal(codes, kept)  # the original is not written over
    each = torch.rand(5, 8, 8, generator=dice(3)) < 0.5  # a mask for each picture
    assert torch.equal(put_codes(codes, each, new)[each], new[each])
    assert torch.equal(put_codes(codes, mask, torch.tensor(7))[:, mask].unique(), torch.tensor([7]))


def test_a_mask_of_numbers_is_refused():
    codes = some_codes(1, 4, 4)
    with pytest.raises(ValueError, match="True and False"):
        put_codes(codes, torch.ones(4, 4), codes)


def test_a_partner_is_what_stands_most_often_in_the_codes_place():
    before = torch.tensor([[[0, 0, 0, 1], [1, 2, 2, 2]]])
    after = torch.tensor([[[3, 3, 2, 0], [0, 1, 2, 1]]])
    assert partner_table(before, after, 5).tolist() == [3, 0, 1, 3, 4]  # 3 and 4 never occur
    codes = some_codes(40, 8, 8)
    table = torch.randperm(16, generator=dice(4))
    assert torch.equal(partner_table(codes, table[codes], 16), table)  # a renaming is found exactly
    with pytest.raises(ValueError, match="twice"):
        partner_table(before, after[:, :1], 5)


def test_painted_changes_the_colour_and_nothing_else():
    kinds = all_factors()[::40]
    red, blue = (painted(kinds, torch.tensor(c)) for c in (0, 4))
    assert red.shape == (len(kinds), 3, 32, 32) and red.min() >= 0 and red.max() <= 1
    assert not torch.equal(red, blue)
    corner = red[:, :, 0, 0]  # the ground
    torch.testing.assert_close(corner, blue[:, :, 0, 0])
    same = Factors(kinds.motif, torch.full_like(kinds.motif, 4), kinds.ground, kinds.symmetry)
    assert torch.equal(blue, painted(same, same.colour))


def test_a_hole_is_filled_from_the_picture_that_agrees_most():
    library = some_codes(30, 8, 8)
    hidden = torch.zeros(8, 8, dtype=torch.bool)
    hidden[4:] = True
    damaged = library[[7, 21]].clone()
    damaged[:, 4:] = 0
    damaged[:, 0, 0] = (damaged[:, 0, 0] + 1) % 16  # one seen code is wrong, and stays
    filled = nearest_codes(damaged, hidden, library)
    assert torch.equal(filled[:, 4:], library[[7, 21], 4:])
    assert torch.equal(filled[:, :4], damaged[:, :4])


# --- bits -----------------------------------------------------------------------------------------


def test_bits_per_pixel():
    assert bits_per_pixel(64, 32 * 32) == 0.5  # 64 codes of a byte each
    assert bits_per_pixel(3 * 32 * 32, 32 * 32) == 24  # three channels are one pixel
    assert bits_per_pixel(1024, 256 * 256) == 0.125  # 16 times fewer codes


def test_codes_without_a_pattern_cost_what_they_hold_and_a_pattern_costs_less():
    known, codes = some_codes(4000, 8, 8), some_codes(50, 8, 8, seed=1)
    bits = expected_bits(codes, known, entries=16)
    assert bits.shape == (50,)
    assert bits.mean().item() == pytest.approx(64 * 4, rel=0.02)  # 16 equal chances: 4 bits
    same = torch.full((20, 8, 8), 3)
    assert expected_bits(same[:2], same, 16).max() < 0.1 * 64 * 4
    assert expected_bits(same[:2] + 1, same, 16).min() > 64 * 4  # never expected, still possible


def test_expected_chances_sum_to_one():
    known = some_codes(20, 2, 2, entries=3)
    first = known[:1].clone()
    others = []
    for code in range(3):  # at the first place only the place itself speaks
        one = torch.full((1, 1, 1), code)
        others.append(2 ** -expected_bits(one, known[:, :1, :1], 3).item())
    assert sum(others) == pytest.approx(1, abs=1e-5)
    whole = torch.cartesian_prod(*[torch.arange(3)] * 4).view(-1, 2, 2)
    chances = torch.exp2(-expected_bits(whole, known, 3))
    assert chances.sum().item() == pytest.approx(1, abs=1e-4)
    assert torch.isfinite(expected_bits(first, known, 3)).all()


@pytest.mark.parametrize("quality", [1, 50, 90])
def test_the_scan_of_a_jpeg_is_the_file_without_its_headers(quality):
    picture = Image.fromarray(rangoli(1)[0][0].permute(1, 2, 0).numpy())
    file, back = packed(picture, "JPEG", quality)
    start = file.index(b"\xff\xda")
    header = start + 2 + int.from_bytes(file[start + 2 : start + 4], "big")
    assert jpeg_scan(file) == len(file) - header - 2 and file.endswith(b"\xff\xd9")
    assert 0 < jpeg_scan(file) < len(file) and back.size == (32, 32)
    with pytest.raises(ValueError, match="JPEG"):
        jpeg_scan(packed(picture, "PNG", 0)[0])


# --- the server -----------------------------------------------------------------------------------


def colours(prompts, guidance, seed):
    """A model: as many pictures as prompts; it refuses the word dragon, and breaks on another."""
    if "dragon" in prompts[0]:
        raise ValueError("no dragon")
    if "bomb" in prompts[0]:
        raise RuntimeError("/secret/path")
    return torch.full((len(prompts), 3, 32, 32), seed / 255)


def test_a_png_of_as_many_pictures_as_prompts_comes_back():
    with PictureServer(colours) as server:
        for count in (1, 3):
            status, data = ask(server.server_port, {"prompts": ["a"] * count, "seed": 9})
            picture = Image.open(io.BytesIO(data))
            assert status == 200 and picture.format == "PNG" and picture.size == (32 * count, 32)
            assert picture.getpixel((5, 5)) == (9, 9, 9)


WRONG = [
    b"",
    b"\xff\xfe",
    b"[]",
    b'"a red lotus"',
    {},
    {"prompts": []},
    {"prompts": "a red lotus"},
    {"prompts": ["a", 3]},
    {"prompts": ["a"] * 17},
    {"prompts": ["a" * 201]},
    {"prompts": ["a"], "guidance": "much"},
    {"prompts": ["a"], "guidance": True},
    {"prompts": ["a"], "guidance": -1},
    b'{"prompts": ["a"], "guidance": NaN}',
    {"prompts": ["a"], "seed": 1.5},
    {"prompts": ["a"], "seed": -1},
    {"prompts": ["a"], "seed": 2**31},
    {"prompts": ["a"], "steps": 3},
    {"prompts": ["a dragon"]},
    b" " * 20_001,
]


def test_bad_requests_get_400_and_a_reason_and_the_server_lives_on():
    with PictureServer(colours) as server:
        for wish in WRONG:
            status, answer = ask(server.server_port, wish)
            assert status == 400 and json.loads(answer)["error"], wish
        assert ask(server.server_port, {"prompts": ["a"]})[0] == 200


def test_a_fault_of_the_model_is_500_and_tells_nothing_of_the_inside():
    with PictureServer(colours) as server:
        status, answer = ask(server.server_port, {"prompts": ["a bomb"]})
        assert status == 500 and b"secret" not in answer
        assert ask(server.server_port, {"prompts": ["a"]})[0] == 200


def test_other_addresses_are_404_and_a_request_without_a_length_400():
    def raw(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
            line.sendall(request)
            return line.makefile("rb").readline()

    with PictureServer(colours) as server:
        assert b" 200 " in raw(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 404 " in raw(b"GET /etc HTTP/1.0\r\n\r\n")
        assert b" 404 " in raw(b"POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        assert b" 400 " in raw(b"POST /draw HTTP/1.0\r\n\r\n")
        assert b" 400 " in raw(b"POST /draw HTTP/1.0\r\nContent-Length: -5\r\n\r\n")


def test_the_model_draws_one_batch_at_a_time():
    inside, most = [], []

    def draw(prompts, guidance, seed):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.05)
        inside.pop()
        return torch.zeros(len(prompts), 3, 32, 32)

    with PictureServer(draw) as server:
        clients = [
            threading.Thread(target=ask, args=(server.server_port, {"prompts": ["a"]}))
            for _ in range(4)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert most == [1, 1, 1, 1]


@pytest.mark.parametrize("fails", [False, True])
def test_the_server_shuts_down_even_if_the_block_fails(fails):
    try:
        with PictureServer(colours) as server:
            port = server.server_port
            assert ask(port, {"prompts": ["a"]})[0] == 200
            assert server.server_address[0] == "127.0.0.1"  # not the whole network
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert not server.thread.is_alive()
    with pytest.raises(OSError):
        ask(port, {"prompts": ["a"]})
    with PictureServer(colours, port=port):  # the port is free again
        assert ask(port, {"prompts": ["a"]})[0] == 200


def test_what_is_not_said_has_its_default():
    wish = read_wish('{"prompts": ["लाल कमल"]}'.encode())
    assert wish == {"prompts": ["लाल कमल"], "guidance": 2.0, "seed": 0}
    assert math.isclose(read_wish(b'{"prompts": ["a"], "guidance": 3}')["guidance"], 3)


def test_pictures_in_a_png_are_exact():
    pictures = torch.randint(256, (2, 3, 8, 8), generator=dice()).float() / 255
    row = torch.frombuffer(
        bytearray(Image.open(io.BytesIO(as_png(pictures))).tobytes()), dtype=torch.uint8
    )
    row = row.view(8, 16, 3).permute(2, 0, 1)
    assert torch.equal(row, (torch.cat(list(pictures), dim=2) * 255).round().long())


# --- many machines --------------------------------------------------------------------------------


def batches() -> torch.Tensor:
    return (rangoli(4 * 8, seed=3)[0].float() / 127.5 - 1).view(4, 8, 3, 32, 32)


def test_the_loss_falls_and_a_run_repeats_itself():
    losses = some_steps(batches()[:1].expand(6, -1, -1, -1, -1), "gradient")
    assert len(losses) == 6 and losses[-1] < losses[0]
    assert losses == some_steps(batches()[:1].expand(6, -1, -1, -1, -1), "gradient")


@pytest.mark.skipif(find_spec("accelerate") is None, reason="accelerate is not installed")
def test_two_processes_are_one_if_they_average():
    two = launch(batches())
    assert two["processes"] == 2
    assert two["averaged"] == pytest.approx(some_steps(batches(), "gradient"), abs=1e-9)
    assert two["alone"] != pytest.approx(two["averaged"], abs=1e-7)


def test_without_accelerate_the_cell_says_so(monkeypatch, capsys):
    import common.vqgan

    monkeypatch.setattr(common.vqgan, "find_spec", lambda name: None)
    assert launch(batches()) is None
    assert "pip install accelerate" in capsys.readouterr().out


# --- data -----------------------------------------------------------------------------------------


def test_copies_are_alike_and_others_are_less_so():
    pictures = rangoli(200, seed=1)[0].float() / 255
    copies = (pictures[:20].roll(1, 3) * 1.05).clamp(0, 1)
    like = likeness(copies, pictures)
    assert like.shape == (20,) and like.min() > 0.85
    torch.testing.assert_close(likeness(pictures[:5], pictures), torch.ones(5))
    assert likeness(pictures[:20], pictures[100:]).median() < like.median()
