//! Previews: a small picture of each picture, made off the async threads, a picture at a time.

use std::io::{BufRead, Cursor, Seek};
use std::sync::Arc;
use std::time::Duration;

use colloquy_entity::*;
use futures_util::TryStreamExt;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::app::App;
use crate::error::Result;
use crate::log::Kind;

use super::super::{dialogues, messages};
use super::store;

/// Pixels a side, at most.
const SIDE: u32 = 320;
/// The largest file that is looked at, in bytes.
const LARGEST: i64 = 32 << 20;
/// The largest picture that is decoded: nine bytes of memory a pixel in the worst case, whatever small file it was
/// packed in.
const PIXELS: u64 = 25_000_000;
/// What decoding may take beside that which the pixels need, in bytes.
const MEMORY: u64 = 256 << 20;
/// A file that was fetched waits so long for its turn before it is told of without a preview.
const SOON: Duration = Duration::from_secs(1);
/// Of a preview without transparency, out of 100.
const QUALITY: u8 = 80;

/// The right to draw: so many pictures are in memory at a time.
type Turn = OwnedSemaphorePermit;

async fn turn(app: &App) -> Option<Turn> {
    Arc::clone(&app.underway.drawing).acquire_owned().await.ok()
}

/// As [`draw`], where its turn comes soon: a file is not to wait for all the pictures of others. Whether it has.
pub(super) async fn draw_soon(app: &App, file: &mut attachment::Model) -> bool {
    if !is_picture(file) {
        return true;
    }
    let Ok(turn) = timeout(SOON, turn(app)).await else { return false };
    draw(app, file, turn).await;
    true
}

/// Draws the preview of a picture that is in the store, and notes it and the picture's size on the row. What cannot be
/// decoded has none.
async fn draw(app: &App, file: &mut attachment::Model, turn: Option<Turn>) {
    match try_draw(app, file, turn).await {
        Ok(Some((path, small))) => {
            file.preview_as = Some(path);
            file.width = Some(file.width.unwrap_or(small.width));
            file.height = Some(file.height.unwrap_or(small.height));
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(file = %file.id, ?error, "no preview could be made"),
    }
}

/// Whether it says that it is one, and is not too large to be looked at.
fn is_picture(file: &attachment::Model) -> bool {
    let is_said = file.content_type.as_deref().is_some_and(|kind| kind.starts_with("image/"));
    is_said && file.size.is_some_and(|size| size <= LARGEST)
}

async fn try_draw(app: &App, file: &attachment::Model, turn: Option<Turn>) -> Result<Option<(String, Small)>> {
    let Some(path) = file.stored_as.as_ref().filter(|_| is_picture(file)) else { return Ok(None) };
    let bytes = store::read(app, path, None).await?;
    let bytes: Vec<_> = bytes.try_collect().await.map_err(crate::error::Error::internal)?;
    let drawn = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        shrink(Cursor::new(bytes.concat()))
    });
    // A decoder that panics has found no picture, either.
    let Ok(Some(small)) = drawn.await else { return Ok(None) };
    let path = format!("{}-preview.{}", file.id, small.extension);
    store::put(app, &path, small.bytes.clone()).await.map_err(crate::error::Error::internal)?;
    Ok(Some((path, small)))
}

/// A preview, and how large its picture is.
struct Small {
    bytes: Vec<u8>,
    extension: &'static str,
    width: i32,
    height: i32,
}

/// The format is looked for in the bytes, and believed to nobody else.
fn shrink(bytes: impl BufRead + Seek) -> Option<Small> {
    let mut reader = ImageReader::new(bytes).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS || decoder.total_bytes() > MEMORY {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = if width.max(height) > SIDE { picture.thumbnail(SIDE, SIDE) } else { picture };
    small.apply_orientation(orientation);
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let is_turned = matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH);
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    let mut bytes = Cursor::new(Vec::new());
    let is_see_through = small.color().has_alpha() && small.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let extension = if is_see_through {
        DynamicImage::from(small.to_rgba8()).write_to(&mut bytes, ImageFormat::Png).ok()?;
        "png"
    } else {
        JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&small.to_rgb8()).ok()?;
        "jpg"
    };
    let (width, height) = (i32::try_from(width).ok()?, i32::try_from(height).ok()?);
    Some(Small { bytes: bytes.into_inner(), extension, width, height })
}

/// Draws the preview of a file that is known already, while all go on.
pub(super) fn later(app: &Arc<App>, mut file: attachment::Model) {
    let app = Arc::clone(app);
    app.tasks.clone().spawn(async move {
        if !is_picture(&file) {
            return;
        }
        let turn = turn(&app).await;
        draw(&app, &mut file, turn).await;
        let Some(path) = file.preview_as.clone() else { return };
        let id = file.id;
        match note(&app, file).await {
            Ok(true) => {}
            // It was removed meanwhile.
            Ok(false) => store::discard(&app, &path).await,
            Err(error) => tracing::warn!(file = %id, ?error, "a preview could not be noted"),
        }
    });
}

/// Notes the preview; tells, where the file is a message's by now. Whether the file is still there.
async fn note(app: &App, file: attachment::Model) -> Result<bool> {
    let row = || attachment::ActiveModel {
        preview_as: Set(file.preview_as.clone()),
        width: Set(file.width),
        height: Set(file.height),
        ..Default::default()
    };
    let update = || attachment::Entity::update_many().set(row()).filter(attachment::Column::Id.eq(file.id));
    let unsent = update().filter(attachment::Column::MessageId.is_null()).exec(app.db.write()).await?;
    if unsent.rows_affected > 0 {
        return Ok(true);
    }
    let sent = attachment::Entity::find_by_id(file.id).one(app.db.read()).await?;
    let Some(message) = sent.and_then(|file| file.message_id) else { return Ok(false) };
    let mut tx = app.begin().await?;
    let Some(of) = message::Entity::find_by_id(message).one(&*tx).await? else { return Ok(false) };
    let Some(dialogue) = dialogues::lock(&tx, of.dialogue_id).await? else { return Ok(false) };
    if update().exec(&*tx).await?.rows_affected == 0 {
        return Ok(false);
    }
    tx.emit(messages::tell(Kind::MessageFileChanged, None, &dialogue, message));
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &DynamicImage) -> Cursor<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.set_position(0);
        bytes
    }

    fn size(small: &Small) -> (u32, u32) {
        let picture = image::load_from_memory(&small.bytes).unwrap();
        (picture.width(), picture.height())
    }

    #[test]
    fn a_picture_is_shrunk_in_proportion_and_a_small_one_stays() {
        let large = shrink(png(&DynamicImage::new_rgb8(1000, 500))).unwrap();
        assert_eq!((size(&large), large.extension), ((320, 160), "jpg"));
        assert_eq!((large.width, large.height), (1000, 500));
        let tiny = shrink(png(&DynamicImage::new_luma8(3, 2))).unwrap();
        assert_eq!((size(&tiny), tiny.extension), ((3, 2), "jpg"));
        let thin = shrink(png(&DynamicImage::new_rgb8(1, 2000))).unwrap();
        assert_eq!(size(&thin), (1, 320));
    }

    #[test]
    fn what_shows_through_stays_so() {
        assert_eq!(shrink(png(&DynamicImage::new_rgba8(10, 10))).unwrap().extension, "png");
        let mut opaque = DynamicImage::new_rgba8(10, 10).to_rgba8();
        opaque.pixels_mut().for_each(|pixel| pixel.0[3] = u8::MAX);
        assert_eq!(shrink(png(&opaque.into())).unwrap().extension, "jpg");
    }

    /// A JPEG that says how it is to be turned.
    fn turned(orientation: u8) -> Cursor<Vec<u8>> {
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode_image(&DynamicImage::new_rgb8(40, 20)).unwrap();
        let tiff =
            [b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        let mut segment = vec![0xFF, 0xE1, 0, (2 + 6 + tiff.len()) as u8];
        segment.extend(b"Exif\0\0");
        segment.extend(tiff);
        bytes.splice(2..2, segment);
        Cursor::new(bytes)
    }

    #[test]
    fn a_picture_stands_upright() {
        let upright = shrink(turned(1)).unwrap();
        assert_eq!((size(&upright), upright.width), ((40, 20), 40));
        let lying = shrink(turned(6)).unwrap();
        assert_eq!((size(&lying), (lying.width, lying.height)), ((20, 40), (20, 40)));
    }

    #[test]
    fn what_would_take_too_much_is_not_decoded() {
        // The head of a PNG that says it has 30,000 pixels a side, and little more.
        let mut bomb = png(&DynamicImage::new_luma8(1, 1)).into_inner();
        bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        assert!(shrink(Cursor::new(bomb)).is_none());
        for nothing in [&b""[..], b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xFF\xD8\xFF\xE0"] {
            assert!(shrink(Cursor::new(nothing)).is_none());
        }
    }
}
