<?php
/**
 * Plugin Name: Citewatch
 * Description: Tells a Citewatch of every post that is published or changed, signed, and again later when it does not answer.
 * Requires at least: 5.6
 * Requires PHP: 7.2
 *
 * Put this file into wp-content/mu-plugins/ and two lines into wp-config.php:
 *     define( 'CITEWATCH_URL', 'https://citewatch.example/v1/webhooks/wordpress' );
 *     define( 'CITEWATCH_SECRET', 'the secret of CITEWATCH_WORDPRESS_SECRET' );
 */

const CITEWATCH_PAUSES = array( 60, 300, 1800, 7200, 43200 ); // seconds before the second try, the third, …

add_action( 'wp_after_insert_post', 'citewatch_saved', 10, 2 );
add_action( 'citewatch_send', 'citewatch_send', 10, 2 );

function citewatch_saved( $post_id, $post ) {
	$types = apply_filters( 'citewatch_post_types', array( 'post', 'page' ) );
	if ( 'publish' === $post->post_status && in_array( $post->post_type, $types, true ) ) {
		citewatch_send( $post_id, 0 );
	}
}

function citewatch_send( $post_id, $tries ) {
	$post = get_post( $post_id );
	if ( ! $post || 'publish' !== $post->post_status || ! defined( 'CITEWATCH_URL' ) || ! defined( 'CITEWATCH_SECRET' ) ) {
		return;
	}
	$body   = wp_json_encode( citewatch_post( $post ) );
	$mac    = base64_encode( hash_hmac( 'sha256', $body, CITEWATCH_SECRET, true ) );
	$answer = wp_remote_post(
		CITEWATCH_URL,
		array(
			'timeout' => 5,
			'body'    => $body,
			'headers' => array( 'Content-Type' => 'application/json', 'X-WC-Webhook-Signature' => $mac ),
		)
	);
	$status = is_wp_error( $answer ) ? 0 : (int) wp_remote_retrieve_response_code( $answer );
	if ( ( 0 === $status || 429 === $status || $status >= 500 ) && isset( CITEWATCH_PAUSES[ $tries ] ) ) {
		wp_schedule_single_event( time() + CITEWATCH_PAUSES[ $tries ], 'citewatch_send', array( $post_id, $tries + 1 ) );
	}
}

function citewatch_post( $post ) {
	$named = function ( $name ) {
		return array( 'name' => $name );
	};
	return array(
		'id'           => $post->ID,
		'type'         => $post->post_type,
		'status'       => $post->post_status,
		'link'         => get_permalink( $post ),
		'title'        => array( 'rendered' => get_the_title( $post ) ),
		'content'      => array( 'rendered' => apply_filters( 'the_content', $post->post_content ) ),
		'date_gmt'     => str_replace( ' ', 'T', $post->post_date_gmt ),
		'modified_gmt' => str_replace( ' ', 'T', $post->post_modified_gmt ),
		'authors'      => array( $named( get_the_author_meta( 'display_name', $post->post_author ) ) ),
		'tags'         => array_map( $named, wp_get_post_tags( $post->ID, array( 'fields' => 'names' ) ) ),
	);
}
